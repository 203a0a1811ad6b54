// Bodies are JSON and nothing else. A missing body is an empty document, so that what is missing in it gets named.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { assertHarmless, wrongField } from './request-validation.ts'

export const maxBodyBytes = 1024 * 1024

export function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parse = async (_request: FastifyRequest, text: string) => (text === '' ? {} : parseJson(text))
  app.addContentTypeParser('application/json', { parseAs: 'string' }, parse)
}

function parseJson(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text)
    assertHarmless(document)
    return document
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw wrongField('read the body', { path: 'body', message: `is not JSON: ${error.message}` })
  }
}
