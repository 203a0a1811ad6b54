// What every answer of the run has to be, whichever check asked.
import { ConetError, catalogue, isErrorKind } from '../../errors/index.ts'
import { checkResult, requests } from '../../protocol/index.ts'
import { type Exchange, exchangesOf } from '../transcript/exchanges.ts'
import type { MessageEntry, Transcript } from '../transcript/transcript.ts'
import { isJson, type Json } from '../wire/strict-parser.ts'
import type { Finding, TranscriptCheck } from './check.ts'

/** What the kernel and a busy machine may add to a driver's own time. */
const toleranceMs = 500
const firstOwnCode = 2_000
const reservedCodes = [-32_601, -32_602, -32_603]

export const replyChecks: readonly TranscriptCheck[] = [
  {
    id: 'transcript.answered-once',
    title: 'no request is answered twice',
    level: 'core',
    rules: ['RPC-6', 'CANC-1'],
    why: 'The second answer belongs to nobody, or worse, to a later request.',
    mend: 'Send the answer where the call ends, and nowhere else; a cancelled call has one answer too.',
    judge: (transcript) =>
      exchangesOf(transcript)
        .exchanges.filter(({ replies }) => replies.length > 1)
        .map(({ method, replies }) => ({
          message: `${method} was answered ${replies.length} times`,
          found: replies.map(({ message }) => message),
        })),
  },
  {
    id: 'transcript.known-ids',
    title: 'no answer has an id that no request had',
    level: 'core',
    rules: ['RPC-4', 'RPC-6'],
    why: 'The host cannot tell what it answers; notifications get no answer at all.',
    mend: 'Give back the id as it came; do not answer messages without one.',
    judge: (transcript) =>
      transcript.isExcused
        ? []
        : exchangesOf(transcript).strays.map(({ message }) => ({
            message: 'an answer to nothing',
            found: message,
          })),
  },
  {
    id: 'transcript.answered',
    title: 'every request is answered',
    level: 'core',
    rules: ['RPC-6'],
    why: 'A call without an answer costs the host its whole deadline, and its outcome is unknown.',
    mend: 'Answer on every path, also when your code throws and when a call is cancelled.',
    judge: unanswered,
  },
  {
    id: 'transcript.deadline',
    title: 'answers come before the time of their call is over',
    level: 'robust',
    rules: ['DL-1'],
    why: 'The host has given the call up by then, and repairs what it does not know.',
    mend: 'Start a timer of _meta.timeoutMs with each call; answer 1201 when it ends first.',
    judge: late,
  },
  {
    id: 'transcript.results',
    title: 'results match the schema of their method',
    level: 'core',
    rules: ['CALL-4'],
    why: 'The host refuses a result that it cannot read, and the plug fails.',
    mend: 'Validate what you send against protocol.schema.json; where there is nothing to say answer {}.',
    judge: (transcript) => exchangesOf(transcript).exchanges.flatMap(badResult),
  },
  {
    id: 'transcript.errors',
    title: 'errors have a code of the catalogue with its name, a message, retryable and operationState',
    level: 'core',
    rules: ['ERR-1', 'ERR-2'],
    why: 'The host decides by them whether to try again, and what to repair.',
    mend: 'Take code and name from docs/errors.md, or a code of your own from 2000 on.',
    judge: (transcript) => errorsOf(transcript).flatMap(({ error }) => badError(error)),
  },
  {
    id: 'transcript.no-inner-text',
    title: 'errors carry no stack traces',
    level: 'core',
    rules: ['ERR-4'],
    why: 'They show users the inside of the driver, with paths and perhaps secrets, and explain nothing.',
    mend: 'Answer "internal error" for what you did not expect, and log the rest.',
    judge: (transcript) =>
      errorsOf(transcript)
        .filter(({ error }) => stackLine.test(JSON.stringify(error)))
        .map(({ method, error }) => ({ message: `the error of ${method} has a stack trace`, found: error })),
  },
]

/** As V8, Python and Go print them. */
const stackLine = /\\n\s+at .+:\d+|Traceback \(most recent call last\)|goroutine \d+ \[/

function unanswered(transcript: Transcript, scale: number): Finding[] {
  if (transcript.isExcused) return []
  const end = transcript.entries.at(-1)
  if (end === undefined) return []
  const open = exchangesOf(transcript).exchanges.filter(({ replies }) => replies.length === 0)
  const isByDriver = end.kind === 'ended' && end.by === 'driver'
  return open
    .filter((exchange) => isByDriver || end.atMs > dueAtMs(exchange, scale))
    .map(({ method, request }) => ({ message: `${method} was not answered`, found: request.message }))
}

function late(transcript: Transcript, scale: number): Finding[] {
  return exchangesOf(transcript).exchanges.flatMap((exchange) => {
    const [reply] = exchange.replies
    if (reply === undefined || reply.atMs <= dueAtMs(exchange, scale) || hasProgress(transcript, exchange))
      return []
    const tookMs = Math.round(reply.atMs - exchange.request.atMs)
    return [
      { message: `${exchange.method} was answered after ${tookMs} ms`, found: exchange.request.message },
    ]
  })
}

function dueAtMs({ request, meta, known }: Exchange, scale: number): number {
  const ownMs = known === undefined ? 10_000 : requests[known].timeoutMs
  const timeoutMs = typeof meta.timeoutMs === 'number' ? meta.timeoutMs : ownMs
  return request.atMs + timeoutMs + toleranceMs * Math.max(1, scale)
}

/** Progress gives a call more time; the checks on progress judge how much. */
function hasProgress(transcript: Transcript, { meta }: Exchange): boolean {
  if (meta.progressToken === undefined) return false
  return transcript
    .messages('received')
    .some(({ message }) => isJson(message.params) && message.params.token === meta.progressToken)
}

function badResult({ known, method, replies }: Exchange): Finding[] {
  if (known === undefined) return []
  return replies.flatMap(({ message: { result } }) => {
    if (result === undefined) return []
    try {
      checkResult(known, result)
      return []
    } catch (error) {
      if (!ConetError.is(error)) throw error
      return [{ message: error.message, found: { method, result } }]
    }
  })
}

type Answered = { readonly method: string; readonly error: unknown }

function errorsOf(transcript: Transcript): Answered[] {
  return exchangesOf(transcript).exchanges.flatMap(({ method, replies }) =>
    replies.filter(hasError).map(({ message: { error } }) => ({ method, error })),
  )
}

function hasError({ message }: MessageEntry): boolean {
  return message.error !== undefined
}

function badError(error: unknown): Finding[] {
  const fault = isJson(error) ? faultOf(error) : 'it is no object'
  return fault === undefined ? [] : [{ message: `an error that is none: ${fault}`, found: error }]
}

function faultOf({ code, message, data }: Json): string | undefined {
  if (typeof code !== 'number' || !Number.isSafeInteger(code)) return 'its code is no integer'
  if (typeof message !== 'string' || message === '') return 'it has no message'
  if (!isJson(data)) return 'it has no data'
  const { name, retryable, operationState } = data
  if (typeof name !== 'string') return 'data.name is missing'
  if (typeof retryable !== 'boolean') return 'data.retryable is missing'
  if (!['not-started', 'unknown', 'partial', 'done'].includes(String(operationState))) {
    return 'data.operationState is none of not-started, unknown, partial, done'
  }
  return faultOfCode(code, name)
}

function faultOfCode(code: number, name: string): string | undefined {
  if (reservedCodes.includes(code) || code >= firstOwnCode) return undefined
  if (!isErrorKind(name)) return `the code ${code} belongs to the catalogue, the name "${name}" does not`
  const expected = catalogue[name].code
  return expected === code ? undefined : `the code ${code} does not belong to ${name}, which is ${expected}`
}
