// `--file PATH` and `--file -`: a JSON document from a file, or from whoever writes to this program.
import { InvalidArgumentError } from 'commander'
import { parseDocument } from './document.ts'
import { readText } from './read-text.ts'

const standardInput = 0

export function parseDocumentFile(path: string): Record<string, unknown> {
  return parseDocument(path === '-' ? readText(standardInput, 'Standard input') : `@${path}`)
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
