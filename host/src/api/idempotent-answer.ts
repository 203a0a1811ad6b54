// The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header): reads it, and answers one request per key.
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { ApiContext } from './api-context.ts'
import type { Answer } from './idempotency-keys.ts'
import { HttpError } from './problem.ts'
import { wrongField } from './request-validation.ts'

/** Throws `invalidArgument` unless it is 1 to 255 printable characters. */
export function idempotencyKeyOf(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw wrongField('read the headers', {
    path: 'Idempotency-Key',
    message: 'must be 1 to 255 printable characters without spaces',
  })
}

type Once = {
  readonly key: string
  readonly request: Pick<FastifyRequest, 'method' | 'url' | 'body'>
  /** `requestKey` stands for the request on the record of what it makes, in case that no answer can be kept. */
  readonly work: (requestKey: string) => Promise<Answer>
}

export async function answerOnce(
  { idempotencyKeys }: ApiContext,
  { key, request, work }: Once,
): Promise<Answer> {
  const { method, url, body } = request
  const requestKey = createHash('sha256')
    .update(JSON.stringify([key, method, url, body]))
    .digest('hex')
  const keyed = await idempotencyKeys.answer(key, requestKey, () => work(requestKey))
  if (keyed.ok) return keyed.answer
  throw new HttpError(
    422,
    'conflict',
    `${method} ${url}: this Idempotency-Key was used for another request`,
    {
      fields: [{ path: 'Idempotency-Key', message: 'was used for another request' }],
      help: 'make a new key for each new thing',
    },
  )
}
