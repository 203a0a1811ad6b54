// Drivers that take messages for what they are not, or answer them wrongly.
import { ConetError, requests } from '@conet/sdk'
import type { Behaviour } from '../behaviour.ts'
import type { Session } from '../session.ts'
import { FramingFault, isJsonObject, type JsonObject } from '../wire.ts'
import { type Mutation, parts } from './mutation.ts'

/** The good driver that lets pass what is wrong with one member of a message. */
function overlooks(member: 'jsonrpc' | 'id' | 'method' | 'reply'): Mutation['change'] {
  const mended = (message: JsonObject): JsonObject => {
    const { id, method } = message
    if (member === 'jsonrpc') return { ...message, jsonrpc: '2.0' }
    if (member === 'id' && id !== undefined) return { ...message, id: 1 }
    if (member === 'method' && method !== undefined) return { ...message, method: 'zoo/nothing' }
    return member === 'reply' && method === undefined ? { jsonrpc: '2.0', method: 'zoo/nothing' } : message
  }
  return parts(({ assertEnvelope }) => ({ assertEnvelope: (message) => assertEnvelope(mended(message)) }))
}

/** The good driver that does something with notifications, too. */
function hears(hear: (session: Session, method: string, params: unknown) => boolean): Mutation['change'] {
  return parts((good) => ({
    hear: (session, method, params) => {
      if (!hear(session, method, params)) good.hear(session, method, params)
    },
  }))
}

const isKnownNotification = (method: string) =>
  ['initialized', 'rejected', '$/cancelRequest'].includes(method)

export const messageMutations: readonly Mutation[] = [
  {
    name: 'anyVersionOfRpc',
    does: 'does not look at "jsonrpc"',
    fails: ['rpc.no-version', 'rpc.other-version'],
    change: overlooks('jsonrpc'),
  },
  {
    name: 'anyId',
    does: 'does not look at what an id is',
    fails: ['rpc.null-id', 'rpc.object-id', 'rpc.fraction-id'],
    change: overlooks('id'),
  },
  {
    name: 'anyMethodName',
    does: 'does not look at what a method’s name is',
    fails: ['rpc.number-method', 'rpc.long-method'],
    change: overlooks('method'),
  },
  {
    name: 'anyReply',
    does: 'takes for a reply what is none',
    fails: ['rpc.result-and-error', 'rpc.neither'],
    change: overlooks('reply'),
  },
  {
    name: 'closesOnReplies',
    does: 'ends a connection on which a reply comes',
    fails: ['rpc.stray-reply', 'transcript.answered'],
    change: parts(({ assertEnvelope }) => ({
      assertEnvelope: (message) => {
        if (message.method === undefined) throw new FramingFault('a reply')
        assertEnvelope(message)
      },
    })),
  },
  {
    name: 'answersNotifications',
    does: 'answers notifications that it does not know',
    fails: ['rpc.unknown-notification', 'transcript.known-ids'],
    change: hears((session, method) => {
      if (isKnownNotification(method)) return false
      session.send({ jsonrpc: '2.0', id: 'none', error: { code: -32601, message: `${method}: what?` } })
      return true
    }),
  },
  {
    name: 'closesOnNotifications',
    does: 'ends a connection on which an unknown notification comes',
    fails: ['rpc.unknown-notification', 'handshake.notification-before', 'transcript.answered'],
    change: hears((session, method) => {
      if (!isKnownNotification(method)) session.socket.destroy()
      return !isKnownNotification(method)
    }),
  },
  {
    name: 'closesOnPositional',
    does: 'ends a connection on which a notification has an array for params',
    fails: ['rpc.positional-notification', 'transcript.answered'],
    change: hears((session, _method, params) => {
      if (Array.isArray(params)) session.socket.destroy()
      return Array.isArray(params)
    }),
  },
  {
    name: 'takesPositional',
    does: 'serves requests whose params are an array',
    fails: ['rpc.positional-params'],
    change: parts(({ admit }) => ({
      admit: (request, session) => admit({ ...request, params: {} }, session),
    })),
  },
  {
    name: 'answersTheUnknown',
    does: 'answers {} to methods that it does not know',
    fails: ['rpc.unknown-method', 'rpc.unknown-reserved-method'],
    change: parts(() => ({ unknown: () => ({}) })),
  },
  {
    name: 'otherCodeForTheUnknown',
    does: 'answers unsupported in the place of -32601',
    fails: ['rpc.unknown-method', 'rpc.unknown-reserved-method'],
    change: parts(() => ({
      unknown: ({ method }) => {
        throw new ConetError('unsupported', `${method}: there is no such method`)
      },
    })),
  },
  {
    name: 'dropsReserved',
    does: 'drops requests whose method begins with $/',
    fails: ['rpc.unknown-reserved-method'],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if (!request.method.startsWith('$/')) answer(session, request, outcome)
      },
    })),
  },
  {
    name: 'closedParams',
    does: 'refuses members of params that it does not know',
    fails: ['framing.large-message', 'rpc.unknown-members', 'handshake.unknown-members'],
    change: parts(refuseUnknownMembers),
  },
  {
    name: 'wantsParams',
    does: 'refuses a request without params',
    fails: ['rpc.absent-params'],
    change: parts(({ admit }) => ({
      admit: (request, session) => {
        if (request.params === undefined) throw new ConetError('invalidArgument', 'params are missing')
        admit(request, session)
      },
    })),
  },
  {
    name: 'idsAsNumbers',
    does: 'answers with the id as a number where it looks like one',
    fails: ['rpc.ids', 'transcript.known-ids'],
    change: parts(() => ({
      answer: (session, { id }, outcome) =>
        session.reply(/^\d+$/.test(String(id)) ? Number(id) : id, outcome),
    })),
  },
  {
    name: 'dropsWhenBusy',
    does: 'drops requests when ten are under way',
    fails: ['rpc.many-in-flight', 'transcript.answered'],
    spoils: [
      'calls.many-at-once',
      'calls.overload',
      'calls.same-at-once',
      'drain.waits',
      'health.ping-under-load',
    ],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if (session.calls.size < 10) answer(session, request, outcome)
      },
    })),
  },
  {
    name: 'keepsHalfOpen',
    does: 'keeps a connection whose host has ended its half',
    fails: ['framing.end-inside-message', 'rpc.half-close'],
    change: parts(() => ({ allowHalfOpen: true })),
  },
  {
    name: 'doubleReply',
    does: 'answers pings twice',
    fails: ['transcript.answered-once'],
    shownBy: ['socket'],
    hostLogs: /unasked-reply/,
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        answer(session, request, outcome)
        if (request.method === 'driver/ping') answer(session, request, outcome)
      },
    })),
  },
  {
    name: 'strayReplies',
    does: 'sends a reply that nobody asked for with each list',
    fails: ['transcript.known-ids'],
    shownBy: ['socket'],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if (request.method === 'network/list') session.reply('nobody', { result: {} })
        answer(session, request, outcome)
      },
    })),
  },
  {
    name: 'neverReplies',
    does: 'never answers endpoint/unplug',
    fails: ['capabilities.listed-are-answered', 'transcript.answered'],
    spoils: [
      'drain.serves',
      'drain.waits',
      'model.objects',
      'model.plugs',
      'plug.other-sandbox',
      'unplug.nothing',
      'unplug.sandbox-gone',
      'unplug.still-created',
      'unplug.without-sandbox',
    ],
    hostLogs: /endpoint\/unplug: no answer within/,
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if (request.method !== 'endpoint/unplug') answer(session, request, outcome)
      },
    })),
  },
  {
    name: 'noVersionInReplies',
    does: 'leaves "jsonrpc" out of its answers to endpoint/list',
    fails: ['transcript.envelopes'],
    spoils: ['framing.small-host', 'transcript.limit'],
    shownBy: ['socket', 'framing'],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if (request.method === 'endpoint/list') session.send({ id: request.id, ...outcome })
        else answer(session, request, outcome)
      },
    })),
  },
  {
    name: 'bothResultAndError',
    does: 'has both result and error in its answers to endpoint/list',
    shownBy: ['framing'],
    fails: [
      'socket.objects-outlive-connection',
      'capabilities.listed-are-answered',
      'transcript.envelopes',
      'transcript.errors',
    ],
    spoils: [
      'calls.in-order',
      'calls.many-at-once',
      'drain.serves',
      'drain.waits',
      'endpoint.created',
      'endpoint.deleted',
      'endpoint.invalid',
      'endpoint.repeated',
      'endpoint.without-network',
      'framing.small-host',
      'health.probe',
      'model.objects',
      'model.plugs',
      'plug.repeated',
      'policy.no-endpoint',
      'sync.makes',
      'sync.many',
      'sync.unplugs',
      'transcript.limit',
      'unplug.by-delete',
      'unplug.sandbox-gone',
      'unplug.still-created',
    ],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if (request.method !== 'endpoint/list') return answer(session, request, outcome)
        session.send({ jsonrpc: '2.0', id: request.id, ...outcome, error: null })
      },
    })),
  },
  {
    name: 'asksTheHost',
    does: 'asks the host for an address when it is accepted',
    fails: ['transcript.no-requests'],
    shownBy: ['handshake'],
    hostLogs: /request-to-host/,
    change: parts(({ accepted }) => ({
      accepted: (session) => {
        accepted(session)
        session.send({ jsonrpc: '2.0', id: 'zoo', method: 'host/allocate', params: {} })
      },
    })),
  },
  {
    name: 'lengthInCharacters',
    does: 'announces the characters of what it sends, and not the bytes',
    fails: ['framing.split-character', 'rpc.ids', 'transcript.frames'],
    change: parts(() => ({ encode: lengthInCharacters })),
  },
  {
    name: 'chatters',
    does: 'prints a line to the socket before each answer to endpoint/list',
    fails: ['socket.objects-outlive-connection', 'capabilities.listed-are-answered', 'transcript.frames'],
    spoils: [
      'calls.in-order',
      'calls.many-at-once',
      'drain.serves',
      'drain.waits',
      'endpoint.created',
      'endpoint.deleted',
      'endpoint.invalid',
      'endpoint.repeated',
      'endpoint.without-network',
      'framing.small-host',
      'health.probe',
      'model.objects',
      'model.plugs',
      'plug.repeated',
      'policy.no-endpoint',
      'sync.makes',
      'sync.many',
      'sync.unplugs',
      'unplug.by-delete',
      'unplug.sandbox-gone',
      'unplug.still-created',
    ],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if (request.method === 'endpoint/list') session.socket.write('listing\n')
        answer(session, request, outcome)
      },
    })),
  },
  {
    name: 'badNotices',
    does: 'sends events whose type is no name',
    fails: ['transcript.notifications'],
    shownBy: ['handshake'],
    hostLogs: /bad-notice/,
    change: parts(() => ({
      accepted: (session) => session.notify('driver/event', { type: 'Link Down', message: '' }),
    })),
  },
  {
    name: 'talksEarly',
    does: 'sends an event before it is accepted',
    fails: ['transcript.silent-before-initialized'],
    shownBy: ['handshake'],
    hostLogs: /bad-notice.*before `initialized`/,
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        answer(session, request, outcome)
        if (request.method === 'initialize') session.notify('driver/event', { type: 'hello', message: '' })
      },
    })),
  },
]

function lengthInCharacters(message: object): Buffer {
  const text = JSON.stringify(message)
  return Buffer.from(`Content-Length: ${text.length}\r\n\r\n${text}`)
}

function refuseUnknownMembers({ validate }: Behaviour): Partial<Behaviour> {
  return {
    validate: (method, params) => {
      const known = Object.keys(requests[method].params.properties)
      const unknown = Object.keys(isJsonObject(params) ? params : {}).find((key) => !known.includes(key))
      if (unknown !== undefined) throw new ConetError('invalidArgument', `${method}: what is ${unknown}?`)
      return validate(method, params)
    },
  }
}
