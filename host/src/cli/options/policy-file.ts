// `--file PATH` and `--file -`: a JSON document from a file, or from whoever writes to this program.
import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'
import { parseDocument } from './document.ts'

const standardInput = 0

export function parseDocumentFile(path: string): Record<string, unknown> {
  return parseDocument(path === '-' ? standardInputText() : `@${path}`)
}

/** `{"networks":{"web":{…},"storage":null}}`; what else `--json` shows beside `networks` is left aside. */
export function parsePolicyFile(path: string): Record<string, Record<string, unknown> | null> {
  const { networks } = parseDocumentFile(path)
  if (!isObject(networks)) throw new InvalidArgumentError(wanted)
  return Object.fromEntries(
    Object.entries(networks).map(([name, document]) => {
      if (document !== null && !isObject(document)) throw new InvalidArgumentError(wanted)
      return [name, document]
    }),
  )
}

const wanted = 'It is not of the form {"networks":{"ATTACHMENT":{…},"OTHER":null}}.'

function standardInputText(): string {
  try {
    return readFileSync(standardInput, 'utf8')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new InvalidArgumentError(`Standard input cannot be read: ${reason}.`)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
