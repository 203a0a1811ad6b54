// One request to conetd on its runtime socket, for programs that start once for each container. HTTP/1.1 by hand over
// node:net, since loading node:http and sending one request with it costs a fifth of what node's own start does: conetd
// answers with a length and in one piece, so there is little to read.
import { connect } from 'node:net'

export type Exchange = {
  readonly socketPath: string
  readonly path: string
  readonly body: unknown
  /** For the answer, from now on. */
  readonly timeoutMs: number
}

/** Node says that it has read a request's head before anything is done about it: a conetd that is stopped does not. */
const signOfLifeMs = 5_000

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

/** POSTs. Throws NoAnswer. */
export function exchange({ socketPath, path, body, timeoutMs }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = []
    const socket = connect(socketPath)
    const end = () => {
      clearTimeout(patience)
      clearTimeout(silence)
      socket.destroy()
    }
    const fail = (message: string, isAway = false) => {
      end()
      reject(new NoAnswer(message, isAway))
    }
    const after = (ms: number, what: string) =>
      setTimeout(() => fail(`conetd at ${socketPath} gave no ${what} within ${ms / 1000} s`), ms)
    const patience = after(timeoutMs, 'answer')
    const silence = after(signOfLifeMs, 'sign of life')
    socket.on('data', (chunk) => {
      clearTimeout(silence)
      received.push(chunk)
    })
    socket.on('error', (error) => fail(...wordsFor(socketPath, error)))
    socket.on('end', () => {
      const answer = answerIn(Buffer.concat(received).toString('utf8'))
      if (answer === undefined) return fail(`conetd at ${socketPath} ended before it answered`)
      end()
      resolve(answer)
    })
    socket.write(requestText(path, JSON.stringify(body)))
  })
}

/** `close`, so that the answer ends with the connection. */
function requestText(path: string, text: string): string {
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: conet',
    'connection: close',
    // Asks for the sign of life.
    'expect: 100-continue',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(text)}`,
  ]
  return `${head.join('\r\n')}\r\n\r\n${text}`
}

/** Undefined: it is not whole. */
function answerIn(received: string): Answer | undefined {
  const text = received.replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, '')
  const [, status, fields = ''] = /^HTTP\/1\.1 (\d{3})[^\r]*\r\n(.*?)\r\n\r\n/s.exec(text) ?? []
  const body = text.slice(text.indexOf('\r\n\r\n') + 4)
  const length = /^content-length: *(\d+)$/im.exec(fields)?.[1]
  if (status === undefined || length === undefined || Buffer.byteLength(body) < Number(length))
    return undefined
  return { status: Number(status), document: parsed(body) }
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

function wordsFor(socketPath: string, { code = '', message }: NodeJS.ErrnoException): [string, boolean] {
  const away = awayCodes.get(code)
  if (away !== undefined) return [`conetd does not run: ${socketPath}: ${away}`, true]
  return [`conetd at ${socketPath} gave no answer: ${message}`, false]
}
