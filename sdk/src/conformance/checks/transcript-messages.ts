// What every message of the run has to be, whichever check heard it.
import { ConetError } from '../../errors/index.ts'
import { checkNotification, isNotificationMethod, notifications } from '../../protocol/index.ts'
import { exchangesOf } from '../transcript/exchanges.ts'
import type { MessageEntry, Transcript } from '../transcript/transcript.ts'
import { isJson, type Json } from '../wire/strict-parser.ts'
import type { Finding, TranscriptCheck } from './check.ts'

export const messageChecks: readonly TranscriptCheck[] = [
  {
    id: 'transcript.frames',
    title: 'everything that the driver sends is well framed',
    level: 'core',
    rules: ['FRM-1', 'FRM-3', 'FRM-5'],
    why: 'The host ends a connection at the first byte that it does not understand.',
    mend: 'Count the bytes of the encoded body; send nothing else on the socket, no log lines.',
    judge: ({ entries }) =>
      entries.flatMap((entry) =>
        entry.kind === 'fault' ? [{ message: `the driver sent ${entry.reason}` }] : [],
      ),
  },
  {
    id: 'transcript.envelopes',
    title: 'everything that the driver sends is JSON-RPC 2.0',
    level: 'core',
    rules: ['RPC-1'],
    why: 'The host ends the connection at a message that it cannot tell from garbage.',
    mend: 'jsonrpc "2.0"; a reply has the id and exactly one of result and error.',
    judge: (transcript) => received(transcript).flatMap(({ message }) => badEnvelope(message)),
  },
  {
    id: 'transcript.limit',
    title: 'no message is larger than the kit said it takes',
    level: 'core',
    rules: ['FRM-10'],
    why: 'The host ends the connection at a larger one.',
    mend: 'Answer 1308 instead of a reply that is too large.',
    judge: (transcript) => {
      const most = limitOf(transcript)
      const tooLarge = received(transcript).filter(({ bytes }) => bytes > most)
      return tooLarge.map(({ bytes }) => ({ message: `a message of ${bytes} bytes, ${most} are taken` }))
    },
  },
  {
    id: 'transcript.no-requests',
    title: 'the driver asks nothing of the host',
    level: 'core',
    rules: ['RPC-10'],
    why: 'A driver that waits for its host while the host waits for it waits for ever.',
    mend: 'Decide from the params of the call, which are complete.',
    judge: (transcript) =>
      received(transcript)
        .filter(({ message }) => message.method !== undefined && message.id !== undefined)
        .map(({ message }) => ({ message: `a request for ${message.method}`, found: message })),
  },
  {
    id: 'transcript.notifications',
    title: 'notifications match their schemas',
    level: 'core',
    rules: ['EVT-1'],
    why: 'The host drops others, and nobody sees them.',
    mend: 'Send those of the protocol, with the params of protocol.schema.json.',
    judge: (transcript) => notificationsOf(transcript).flatMap(({ message }) => badNotification(message)),
  },
  {
    id: 'transcript.silent-before-initialized',
    title: 'no notification comes before initialized',
    level: 'core',
    rules: ['EVT-1'],
    why: 'Before the verdict the host does not know whose they are.',
    mend: 'Hold notices back until initialized has come, or drop them.',
    judge: (transcript) => {
      const verdict = transcript.entries.findIndex(
        (entry) => entry.kind === 'sent' && entry.message.method === 'initialized',
      )
      const early = verdict === -1 ? transcript.entries : transcript.entries.slice(0, verdict)
      return early.flatMap((entry) =>
        entry.kind === 'received' && isNotification(entry.message)
          ? [{ message: `${entry.message.method} came before initialized`, found: entry.message }]
          : [],
      )
    },
  },
  {
    id: 'transcript.progress-token',
    title: 'progress is sent only for a call that is open and wants it',
    level: 'core',
    rules: ['PROG-1'],
    why: 'Progress on a call that has ended gives time to a call that nobody waits for.',
    mend: 'Keep the token with the call; stop before you answer.',
    judge: (transcript) => progressOf(transcript).flatMap((entry) => strayProgress(transcript, entry)),
  },
  {
    id: 'transcript.progress-rises',
    title: 'the percentage of a call never falls',
    level: 'core',
    rules: ['PROG-2'],
    why: 'Users see it.',
    mend: 'Send the highest value so far, or none.',
    judge: fallingProgress,
  },
  {
    id: 'transcript.progress-pace',
    title: 'progress of one call comes no more than four times a second',
    level: 'core',
    severity: 'should',
    rules: ['PROG-5'],
    why: 'People read it, and each one costs the host as much as a call.',
    mend: 'Hold it back until 250 ms have passed since the last; the newest is the one that counts.',
    judge: hastyProgress,
  },
]

/** So many in so short a time are more than four a second, however the machine has bunched them. */
const hasty = { count: 5, withinMs: 500 }

function received(transcript: Transcript): MessageEntry[] {
  return transcript.messages('received')
}

function isNotification(message: Json): boolean {
  return message.method !== undefined && message.id === undefined
}

function notificationsOf(transcript: Transcript): MessageEntry[] {
  return received(transcript).filter(({ message }) => isNotification(message))
}

function badEnvelope(message: Json): Finding[] {
  const fault = faultOf(message)
  return fault === undefined ? [] : [{ message: fault, found: message }]
}

function faultOf({ jsonrpc, method, id, params, result, error }: Json): string | undefined {
  if (jsonrpc !== '2.0') return '"jsonrpc" is not "2.0"'
  if (method === undefined) {
    if ((result === undefined) === (error === undefined)) return 'not exactly one of "result" and "error"'
    return typeof id === 'string' || Number.isSafeInteger(id) ? undefined : 'a reply without an id'
  }
  if (typeof method !== 'string' || method === '') return 'its method is no name'
  return params === undefined || isJson(params) ? undefined : 'its params are no object'
}

/** What the kit offered in `initialize`. */
function limitOf(transcript: Transcript): number {
  const limits = transcript.messages('sent').flatMap(({ message: { method, params } }) => {
    if (method !== 'initialize' || !isJson(params) || !isJson(params.limits)) return []
    return typeof params.limits.maxMessageBytes === 'number' ? [params.limits.maxMessageBytes] : []
  })
  return limits[0] ?? Number.POSITIVE_INFINITY
}

function badNotification(message: Json): Finding[] {
  const { method, params } = message
  if (typeof method !== 'string') return []
  if (!isNotificationMethod(method) || notifications[method].from !== 'driver') {
    // Later minor versions may have more: a host ignores them.
    return []
  }
  try {
    checkNotification(method, params)
    return []
  } catch (error) {
    if (!ConetError.is(error)) throw error
    return [{ message: error.message, found: message }]
  }
}

function progressOf(transcript: Transcript): MessageEntry[] {
  return notificationsOf(transcript).filter(({ message }) => message.method === '$/progress')
}

function tokenOf({ message: { params } }: MessageEntry): unknown {
  return isJson(params) ? params.token : undefined
}

function strayProgress(transcript: Transcript, entry: MessageEntry): Finding[] {
  const token = tokenOf(entry)
  const call = exchangesOf(transcript).exchanges.find(({ meta }) => meta.progressToken === token)
  if (call === undefined || token === undefined) {
    return [{ message: 'progress with a token that no call had', found: entry.message }]
  }
  const [reply] = call.replies
  if (reply === undefined || transcript.entries.indexOf(entry) < transcript.entries.indexOf(reply)) return []
  return [{ message: `progress on ${call.method} after its answer`, found: entry.message }]
}

function fallingProgress(transcript: Transcript): Finding[] {
  const highest = new Map<unknown, number>()
  return progressOf(transcript).flatMap((entry) => {
    const { params } = entry.message
    if (!isJson(params) || typeof params.percentage !== 'number') return []
    const before = highest.get(params.token) ?? 0
    highest.set(params.token, Math.max(before, params.percentage))
    if (params.percentage >= before) return []
    return [{ message: `the percentage fell from ${before} to ${params.percentage}`, found: entry.message }]
  })
}

function hastyProgress(transcript: Transcript): Finding[] {
  const tokens = new Set(progressOf(transcript).map(tokenOf))
  const byToken = [...tokens].map((token) =>
    progressOf(transcript).filter((entry) => tokenOf(entry) === token),
  )
  return byToken.flatMap((entries) => {
    const first = entries.find((entry, index) => {
      const last = entries[index + hasty.count - 1]
      return last !== undefined && last.atMs - entry.atMs < hasty.withinMs
    })
    if (first === undefined) return []
    const message = `${hasty.count} within ${hasty.withinMs} ms, ${entries.length} in all`
    return [{ message, found: first.message }]
  })
}
