// Every failure of a request, conet's and fastify's own, becomes one problem document.
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { ConetError } from '@conet/sdk'
import type { Problem } from '@conet/sdk/api'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { maxBodyBytes } from './body-parser.ts'
import { bugProblem, HttpError, problemMediaType, problemOf } from './problem.ts'
import { requestFailure } from './request-failure.ts'
import { wrongField } from './request-validation.ts'

export function answerFailures(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error, request, reply) => answerFailure(error, { request, reply, log }))
  app.setNotFoundHandler((request, reply) => {
    const message = `${request.method} ${request.url}: there is no such route`
    sendProblem(
      reply,
      problemOf(new ConetError('notFound', message, { help: 'GET /openapi.json lists the routes' })),
    )
  })
}

export function answerFailure(
  error: unknown,
  { request, reply, log }: { request: FastifyRequest; reply: FastifyReply; log: Logger },
): void {
  const framework = frameworkFailure(error)
  const { error: known, bug } = framework === undefined ? requestFailure(error) : { error: framework }
  if (bug !== undefined) {
    log.error({ err: bug, request: request.id, method: request.method, url: request.url }, 'request failed')
  }
  sendProblem(reply, known === undefined ? bugProblem(request.id) : problemOf(known))
}

function sendProblem(reply: FastifyReply, problem: Problem): void {
  if (problem.status === 503) reply.header('retry-after', '1')
  // The client is still sending, and would see its pipe break before it reads this. The rest is read and thrown away,
  // within the time that a request may take.
  if (problem.status === 413) reply.header('connection', 'keep-alive')
  reply.code(problem.status).header('content-type', problemMediaType).send(JSON.stringify(problem))
}

/** What fastify itself refuses: a wrong media type, a body that is too large, an address that cannot be decoded. */
export function frameworkFailure(error: unknown): ConetError | undefined {
  if (!(error instanceof Error) || ConetError.is(error) || !('statusCode' in error)) return undefined
  const { statusCode: status } = error
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined
  if (status === 413) return bodyTooLarge
  if ('code' in error && error.code === 'FST_ERR_BAD_URL')
    return wrongField('read the path', { path: 'path', message: 'has a % that stands for no character' })
  const part = status === 415 ? 'Content-Type' : undefined
  return new HttpError(status, 'invalidArgument', error.message, {
    ...(part === undefined ? {} : { fields: [{ path: part, message: error.message }] }),
    ...(status === 415 ? { help: 'send JSON with the header Content-Type: application/json' } : {}),
  })
}

const bodyTooLarge = new HttpError(
  413,
  'messageTooLarge',
  `read the body: it has more than ${maxBodyBytes} bytes`,
  {
    fields: [{ path: 'body', message: `has more than ${maxBodyBytes} bytes` }],
  },
)

/** Answers what was no HTTP, or too much of it, and ends the connection. In the midst of answers there is no place for one. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  const status = clientErrorStatus(error.code)
  const body = JSON.stringify(
    problemOf(new HttpError(status, 'invalidArgument', 'the request is not valid HTTP')),
  )
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${problemMediaType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

function clientErrorStatus(code: string | undefined): number {
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408
  return 400
}
