// Garden's form of answers: JSON as Go writes it, and errors that name their type.
import { ConetError } from '@conet/sdk'
import type { GardenError } from '@conet/sdk/api'
import type { FastifyReply } from 'fastify'

/** Since when there is something better (RFC 9745): the first release of conet. */
const deprecatedSince = '@1767225600'

/** Escapes what Go's encoder does, and ends with a line break. */
export function gardenJson(value: unknown): string {
  const text = JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${text}\n`
}

export function sendGarden(reply: FastifyReply, status: number, value: unknown): FastifyReply {
  return (
    reply
      .code(status)
      .header('content-type', 'application/json')
      .header('deprecation', deprecatedSince)
      // As bytes: to a text fastify would add its character set.
      .send(Buffer.from(gardenJson(value)))
  )
}

/** What Garden says itself, as it says it; how the pool is used says `GET /pools`. Its form has no room of its own for help. */
function messageOf({ kind, message, help }: ConetError): string {
  if (kind === 'portsExhausted') return 'port pool is exhausted'
  return help === undefined ? message : `${message}; ${help}`
}

/** 404 for a container that is unknown, 500 for whatever else: Garden knows no others. */
export function gardenError(error: ConetError, handle: string): { status: number; body: GardenError } {
  const isUnknown = ConetError.is(error, 'notFound') && error.details.container === handle
  const about = (type: string, message: string, named: string) => ({
    Type: type,
    Message: message,
    Handle: named,
    ProcessID: '',
    Binary: '',
  })
  if (isUnknown)
    return { status: 404, body: about('ContainerNotFoundError', `unknown handle: ${handle}`, handle) }
  return { status: 500, body: about('', messageOf(error), '') }
}
