// Bodies are JSON in UTF-8, with text that is well-formed Unicode, and nothing else. One of no bytes is none.
import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { assertHarmless, wrongField } from './request-validation.ts'
import { illFormedText } from './well-formed.ts'

export const maxBodyBytes = 1024 * 1024

export function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parse = async (_request: FastifyRequest, bytes: Buffer) =>
    bytes.length === 0 ? undefined : parseJson(textOf(bytes))
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, parse)
}

/** Decoding alone would put a replacement character in the place of each wrong byte. */
function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw wrongField('read the body', { path: 'body', message: 'is not UTF-8 text' })
  return bytes.toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text)
    assertHarmless(document)
    const illFormed = illFormedText(text, document)
    if (illFormed !== undefined) throw wrongField('read the body', illFormed)
    return document
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw wrongField('read the body', { path: 'body', message: `is not JSON: ${error.message}` })
  }
}
