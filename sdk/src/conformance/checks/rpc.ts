// Messages: what is answered, with which id, and what is ignored.

import type { CheckContext } from '../context/check-context.ts'
import type { RawConnection } from '../wire/raw-connection.ts'
import type { Json } from '../wire/strict-parser.ts'
import type { ActiveCheck } from './check.ts'
import { expect } from './verdicts.ts'

const methodNotFound = -32601
const invalidParams = -32602

export const rpcChecks: readonly ActiveCheck[] = [
  {
    id: 'rpc.unknown-method',
    title: 'a request for an unknown method is answered -32601',
    level: 'core',
    rules: ['RPC-3'],
    sends: 'a request for kit/unknown',
    why: 'A newer host may ask for more than a driver knows; silence would cost it a deadline.',
    mend: 'Answer every request; those that you do not know with -32601.',
    run: (kit) => answeredWith(kit, { method: 'kit/unknown', params: {} }, methodNotFound),
  },
  {
    id: 'rpc.unknown-reserved-method',
    title: 'a request for an unknown method that begins with $/ is answered -32601',
    level: 'core',
    rules: ['RPC-3'],
    sends: 'a request for $/kitUnknown',
    why: 'Only notifications with that prefix may be dropped; a request is always answered.',
    mend: 'Look whether the message has an id before you drop it.',
    run: (kit) => answeredWith(kit, { method: '$/kitUnknown', params: {} }, methodNotFound),
  },
  {
    id: 'rpc.positional-params',
    title: 'a request with an array for params is answered -32602',
    level: 'core',
    rules: ['RPC-2'],
    sends: 'driver/ping with [1, 2] for params',
    why: 'With positional params the sender chooses which argument its values become.',
    mend: 'Take params by name only; refuse anything that is no object.',
    run: (kit) => answeredWith(kit, { method: 'driver/ping', params: [1, 2] }, invalidParams),
  },
  {
    id: 'rpc.positional-notification',
    title: 'a notification with an array for params is ignored',
    level: 'core',
    rules: ['RPC-2'],
    sends: 'initialized with ["active"] for params, then a ping',
    why: 'There is nobody to answer; what cannot be understood must do no harm.',
    mend: 'Drop it.',
    run: (kit) => ignored(kit, { jsonrpc: '2.0', method: 'initialized', params: ['active'] }),
  },
  {
    id: 'rpc.unknown-notification',
    title: 'an unknown notification is ignored, and not answered',
    level: 'core',
    rules: ['RPC-4'],
    sends: 'notifications kit/unknown and $/kitUnknown, a ping behind each',
    why: 'A newer host may say more than a driver knows.',
    mend: 'Drop notifications that you do not know, whatever they begin with.',
    async run(kit) {
      await ignored(kit, { jsonrpc: '2.0', method: 'kit/unknown', params: {} })
      await ignored(kit, { jsonrpc: '2.0', method: '$/kitUnknown' })
    },
  },
  {
    id: 'rpc.unknown-members',
    title: 'members that the driver does not know are ignored, in messages, params and _meta',
    level: 'core',
    rules: ['RPC-5'],
    sends: 'network/list with the member kitUnknown in the message, its params and its _meta',
    why: 'Newer minor versions add members; who refuses them breaks with the first update of the host.',
    mend: 'Do not refuse additional members; only users’ documents have closed schemas.',
    async run(kit) {
      using host = await kit.connect()
      host.connection.send({
        jsonrpc: '2.0',
        id: 'kit-unknown-members',
        method: 'network/list',
        params: {
          kitUnknown: [1],
          _meta: { operationId: 'kit', attempt: 1, timeoutMs: 5_000, kitUnknown: {} },
        },
        kitUnknown: true,
      })
      const answer = await answerTo(kit, host.connection, 'kit-unknown-members')
      expect(answer.error === undefined, 'unknown members were refused', { found: answer.error })
    },
  },
  {
    id: 'rpc.ids',
    title: 'answers carry the id as it was sent: numbers, zero, negative ones, strings, digits in a string',
    level: 'core',
    rules: ['RPC-6'],
    sends: 'pings with the ids 9007199254740991, 0, -7, "a", "17", "é-€" and one of 256 characters',
    why: 'The host finds the call by its id; an id that was changed belongs to nobody.',
    mend: 'Give back the JSON value of the id; never turn it into text or a number.',
    async run(kit) {
      using host = await kit.connect()
      const ids = [2 ** 53 - 1, 0, -7, 'a', '17', 'é-€', 'x'.repeat(256)]
      for (const id of ids) {
        host.connection.send({ jsonrpc: '2.0', id, method: 'driver/ping', params: {} })
        await answerTo(kit, host.connection, id)
      }
    },
  },
  {
    id: 'rpc.absent-params',
    title: 'a request without params is served where none are required',
    level: 'core',
    rules: ['RPC-2', 'CALL-2'],
    sends: 'network/list without params',
    why: 'JSON-RPC lets a caller leave params out.',
    mend: 'Take absent params for {}, and fill in what _meta lacks.',
    async run(kit) {
      using host = await kit.connect()
      host.connection.send({ jsonrpc: '2.0', id: 'no-params', method: 'network/list' })
      const answer = await answerTo(kit, host.connection, 'no-params')
      expect(answer.error === undefined, 'a list without params was refused', { found: answer.error })
    },
  },
  {
    id: 'rpc.stray-reply',
    title: 'a reply that the driver did not ask for is ignored',
    level: 'core',
    rules: ['RPC-9'],
    sends: 'a result and an error with ids that nobody used, a ping behind each',
    why: 'A late reply is no reason to lose the connection.',
    mend: 'Look the id up among your own requests; drop what is not there.',
    async run(kit) {
      await ignored(kit, { jsonrpc: '2.0', id: 4711, result: {} })
      await ignored(kit, { jsonrpc: '2.0', id: 'x', error: { code: 1, message: 'kit' } })
    },
  },
  {
    id: 'rpc.many-in-flight',
    title: 'fifty requests that are sent at once are all answered',
    level: 'core',
    rules: ['RPC-6'],
    sends: 'network/list fifty times without waiting, or limits.maxInFlight times if that is less',
    why: 'A machine that starts brings many containers at the same moment.',
    mend: 'Queue what you cannot serve at once, or answer 1103; never drop it.',
    async run(kit) {
      using host = await kit.connect()
      const most = Math.min(50, kit.introduction.limits.maxInFlight ?? 50)
      await Promise.all(Array.from({ length: most }, () => host.call('network/list', {})))
    },
  },
  {
    id: 'rpc.half-close',
    title: 'when the host ends its stream the connection is over',
    level: 'core',
    rules: ['RPC-11'],
    sends: 'a handshake, then the end of the stream',
    why: 'Connections of hosts that are gone must not pile up.',
    mend: 'Close your side when the other side has ended.',
    async run(kit) {
      using host = await kit.connect()
      host.connection.halfClose()
      await kit.expectEnded(host.connection, 'the end of the host’s stream')
    },
  },
]

async function answeredWith(kit: CheckContext, message: Json, code: number): Promise<void> {
  using host = await kit.connect()
  host.connection.send({ jsonrpc: '2.0', id: 'kit', ...message })
  const { error } = await answerTo(kit, host.connection, 'kit')
  const found = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  expect(found === code, 'the request was answered otherwise', { expected: code, found: error ?? 'a result' })
  await host.call('driver/ping', {}, { waitMs: kit.promptMs })
}

/** The connection goes on, and nothing was said about it: pings come back and nothing beside them. */
async function ignored(kit: CheckContext, message: Json): Promise<void> {
  using host = await kit.connect()
  const before = host.connection.received.length
  host.connection.send(message)
  await host.call('driver/ping', {}, { waitMs: kit.promptMs })
  const extra = host.connection.received
    .slice(before)
    .find(({ method, id }) => method === undefined && id !== 2)
  expect(extra === undefined, 'it was answered', { found: extra })
}

function answerTo(kit: CheckContext, connection: RawConnection, id: string | number): Promise<Json> {
  const isAnswer = (message: Json) => message.id === id && message.method === undefined
  return connection.message(`answer with the id ${JSON.stringify(id)}`, kit.promptMs, isAnswer)
}
