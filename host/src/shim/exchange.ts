// One request to conetd on its runtime socket, for programs that start once for each container: node:http and nothing
// else is loaded.
import { request } from 'node:http'

export type Exchange = {
  readonly socketPath: string
  readonly method: 'POST'
  readonly path: string
  readonly body: unknown
  /** For the answer, from now on. */
  readonly timeoutMs: number
}

/** `document`: the answer's JSON; undefined where it is none. */
export type Answer = { readonly status: number; readonly document: unknown }

/** No answer came. `isAway`: nobody listens, so nothing was done. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly isAway: boolean

  constructor(message: string, isAway: boolean) {
    super(message)
    this.isAway = isAway
  }
}

/** Throws NoAnswer. */
export function exchange({ socketPath, method, path, body, timeoutMs }: Exchange): Promise<Answer> {
  const text = JSON.stringify(body)
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  const signal = AbortSignal.timeout(timeoutMs)
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) =>
      reject(signal.aborted ? tooLate(socketPath, timeoutMs) : noAnswer(socketPath, error))
    const outgoing = request({ socketPath, method, path, headers, agent: false, signal }, (response) => {
      let received = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        received += chunk
      })
      response.on('error', fail)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, document: parsed(received) }))
    })
    outgoing.on('error', fail)
    outgoing.end(text)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The status speaks for it.
    return undefined
  }
}

const awayCodes = new Map([
  ['ENOENT', 'there is no such socket'],
  ['ENOTDIR', 'there is no such socket'],
  ['ECONNREFUSED', 'nobody listens there'],
])

function noAnswer(socketPath: string, { code = '', message }: NodeJS.ErrnoException): NoAnswer {
  const away = awayCodes.get(code)
  if (away !== undefined) return new NoAnswer(`conetd does not run: ${socketPath}: ${away}`, true)
  return new NoAnswer(`conetd at ${socketPath} gave no answer: ${message}`, false)
}

function tooLate(socketPath: string, timeoutMs: number): NoAnswer {
  return new NoAnswer(`conetd at ${socketPath} gave no answer within ${timeoutMs / 1000} s`, false)
}
