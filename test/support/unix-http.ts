// HTTP over a UNIX socket as curl would speak it: no client of ours in between.
import { type IncomingHttpHeaders, request } from 'node:http'

export type HttpCall = {
  method?: string
  path: string
  /** Sent as JSON; text and bytes are sent as they are. */
  body?: unknown
  headers?: Record<string, string>
}

export type HttpAnswer = { status: number; headers: IncomingHttpHeaders; text: string; json: () => unknown }

export function httpCall(
  socketPath: string,
  { method = 'GET', path, body, headers = {} }: HttpCall,
): Promise<HttpAnswer> {
  const isReady = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
  const text = isReady ? body : JSON.stringify(body)
  const about =
    text === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
  return new Promise((resolve, reject) => {
    const options = { socketPath, method, path, headers: { ...about, ...headers }, agent: false }
    const call = request(options, async (response) => {
      let received = ''
      for await (const chunk of response.setEncoding('utf8')) received += chunk
      const { statusCode: status = 0, headers: answered } = response
      resolve({ status, headers: answered, text: received, json: () => JSON.parse(received) })
    })
    call.once('error', reject)
    call.end(text)
  })
}
