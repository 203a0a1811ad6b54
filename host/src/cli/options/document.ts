// `--config JSON` and `--config @file`.
import { InvalidArgumentError } from 'commander'
import { isExact } from './key-value.ts'
import { readText } from './read-text.ts'

export function parseDocument(text: string): Record<string, unknown> {
  const source = text.startsWith('@') ? readText(text.slice(1), 'The file') : text
  const value = parsed(source)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new InvalidArgumentError('It is not a JSON object, such as {"mtu":1400}.')
}

function parsed(source: string): unknown {
  try {
    return JSON.parse(source, exactly)
  } catch (error) {
    throw new InvalidArgumentError(`It is not JSON: ${reasonOf(error)}.`)
  }
}

/** A number that JavaScript cannot hold would arrive as another one, or as none. */
function exactly(key: string, value: unknown): unknown {
  if (typeof value !== 'number' || isExact(value)) return value
  throw new SyntaxError(`${key} is a number with too many digits; write it as text`)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
