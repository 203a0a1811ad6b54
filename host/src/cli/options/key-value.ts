// `key=value` options.
import { InvalidArgumentError } from 'commander'

type Pair = readonly [key: string, value: string]

/** Collects `--label env=prod --label a=b`. Refuses a key that was given before: which of the two is meant, nobody knows. */
export function collectPair(text: string, pairs: readonly Pair[] = []): Pair[] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError(`It is not of the form key=value.`)
  const key = text.slice(0, at)
  if (pairs.some(([known]) => known === key))
    throw new InvalidArgumentError(`${JSON.stringify(key)} was given before.`)
  return [...pairs, [key, text.slice(at + 1)]]
}

export function recordOf(pairs: readonly Pair[]): Record<string, string> {
  return Object.fromEntries(pairs)
}

/** For a driver's document: what is a JSON number, boolean, null, array or object becomes one; the rest is text. */
export function documentOf(pairs: readonly Pair[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map(([key, value]) => [key, jsonOrText(value)]))
}

function jsonOrText(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    // A number that JavaScript cannot hold would arrive as another one.
    return typeof value === 'number' && !isExact(value) ? text : value
  } catch {
    // Not JSON, so it is text: that is the rule, not a failure.
    return text
  }
}

export function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
}

export function collect(text: string, all: readonly string[] = []): string[] {
  return [...all, text]
}
