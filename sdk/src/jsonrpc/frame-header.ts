// The header block in front of each message (LSP base protocol): text in, length of the body out. It is stricter
// than LSP where leniency hides bugs: a length that is doubtful in any way ends the connection.
import { ConetError } from '../errors/index.ts'

/** The header block with its blank line, in bytes. */
export const maxHeaderBytes = 8 * 1024
const maxHeaderLines = 16

const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e]*?)[ \t]*$/
const lengthValue = /^[0-9]{1,10}$/

const plainName = Buffer.from('Content-Length: ')
const plainEnd = Buffer.from('\r\n\r\n')
/** As many as surely make a whole number. */
const mostPlainDigits = 9

/** A header of the usual form, which nearly all have: how many bytes it takes, and the length that it announces. */
export type PlainHeader = { readonly bytes: number; readonly bodyBytes: number }

/**
 * The header at `offset` if it is whole and nothing but `Content-Length: N`; undefined for any other, which
 * `parseFrameHeader` judges. A look at some twenty bytes instead of a text and its lines.
 */
export function plainHeader(chunk: Buffer, offset: number): PlainHeader | undefined {
  if (!startsWith(chunk, offset, plainName)) return undefined
  const digitsAt = offset + plainName.length
  let at = digitsAt
  let bodyBytes = 0
  for (;;) {
    const digit = (chunk[at] ?? 0) - 0x30
    if (digit < 0 || digit > 9) break
    bodyBytes = bodyBytes * 10 + digit
    at += 1
  }
  const digits = at - digitsAt
  if (digits === 0 || digits > mostPlainDigits || !startsWith(chunk, at, plainEnd)) return undefined
  return { bytes: at + plainEnd.length - offset, bodyBytes }
}

function startsWith(chunk: Buffer, offset: number, expected: Buffer): boolean {
  for (let index = 0; index < expected.length; index += 1) {
    if (chunk[offset + index] !== expected[index]) return false
  }
  return true
}

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
  return allowedLength(Number(value), maxMessageBytes)
}

/** Throws `protocolViolation` for a body that is longer than allowed. */
export function allowedLength(length: number, maxMessageBytes: number): number {
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
