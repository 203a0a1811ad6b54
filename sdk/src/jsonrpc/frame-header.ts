// The header block in front of each message (LSP base protocol): text in, length of the body out. It is stricter
// than LSP where leniency hides bugs: a length that is doubtful in any way ends the connection.
import { ConetError } from '../errors/index.ts'

/** The header block with its blank line, in bytes. */
export const maxHeaderBytes = 8 * 1024
const maxHeaderLines = 16

const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e]*?)[ \t]*$/
const lengthValue = /^[0-9]{1,10}$/

/** Reads the block without its final blank line; throws `protocolViolation`. Other fields are ignored. */
export function parseFrameHeader(block: string, maxMessageBytes: number): number {
  const lines = block.split('\r\n')
  if (lines.length > maxHeaderLines) throw badHeader(`has more than ${maxHeaderLines} lines`)
  let length: string | undefined
  for (const line of lines) {
    const [, name, value] = fieldLine.exec(line) ?? []
    if (name === undefined) throw badHeader(`has a line that is no "name: value": ${excerpt(line)}`)
    if (name.toLowerCase() !== 'content-length') continue
    if (length !== undefined) throw badHeader('has two Content-Length fields')
    length = value
  }
  return checkedLength(length, maxMessageBytes)
}

function checkedLength(value: string | undefined, maxMessageBytes: number): number {
  if (value === undefined) throw badHeader('has no Content-Length')
  if (!lengthValue.test(value)) throw badHeader(`has a Content-Length that is no number: ${excerpt(value)}`)
  const length = Number(value)
  if (length > maxMessageBytes) {
    throw badHeader(`announces ${length} bytes, the limit is ${maxMessageBytes}`)
  }
  return length
}

export function badHeader(why: string): ConetError {
  return new ConetError('protocolViolation', `read a message: its header ${why}`)
}

/** What the other side sent, short and without control characters, so that it can stand in a log. */
function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}
