// `--config JSON` and `--config @file`.
import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'

export function parseDocument(text: string): Record<string, unknown> {
  const source = text.startsWith('@') ? contentOf(text.slice(1)) : text
  const value = parsed(source)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new InvalidArgumentError('It is not a JSON object, such as {"mtu":1400}.')
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new InvalidArgumentError(`The file cannot be read: ${reasonOf(error)}.`)
  }
}

function parsed(source: string): unknown {
  try {
    return JSON.parse(source)
  } catch (error) {
    throw new InvalidArgumentError(`It is not JSON: ${reasonOf(error)}.`)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
