// Drivers that trouble whoever hosts them: with noise, with silence, and with answers to nothing. The conformance kit
// has no checks of most of this; a host has to survive it.
import { ConetError, checkMeta } from '@conet/sdk'
import type { Outcome, Request } from '../call.ts'
import type { Session } from '../session.ts'
import { encode, isJsonObject } from '../wire.ts'
import { type Mutation, method, parts } from './mutation.ts'
import { endlessly, pour } from './pour.ts'

export type HostMutation = Omit<Mutation, 'fails' | 'where'> & {
  /** The host must wait for a time that the protocol fixes until it can tell: 5 to 30 s. */
  readonly isSlow?: boolean
}

/** The good driver that does something as soon as a host has accepted it. */
function accepted(act: (session: Session) => void): Mutation['change'] {
  return parts((good) => ({
    accepted: (session) => {
      good.accepted(session)
      act(session)
    },
  }))
}

/** The good driver that does something else in the place of an answer. */
function inPlaceOf(
  wanted: (request: Request, session: Session) => boolean,
  act: (session: Session, request: Request, outcome: Outcome) => void,
): Mutation['change'] {
  return parts(({ answer }) => ({
    answer: (session, request, outcome) => {
      if (wanted(request, session)) act(session, request, outcome)
      else answer(session, request, outcome)
    },
  }))
}

/** At once the one, then a byte of the other now and then. */
function onlySays(first: string, then: string): Mutation['change'] {
  return parts((good) => ({
    answer: (session, request, outcome) => {
      if (isHello(request)) good.answer(session, request, outcome)
    },
    accepted: (session) => {
      session.socket.write(first)
      endlessly(session, then, 500)
    },
  }))
}

const isHello = ({ method }: Request) => method === 'initialize'
const isNoHello = ({ method }: Request) => method !== 'initialize'
const isPlug = ({ method }: Request) => method === 'endpoint/plug'
const says = (text: string | Buffer) => accepted(({ socket }) => void socket.write(text))
const notice = (method: string, params: object) => encode({ jsonrpc: '2.0', method, params })
const event = notice('driver/event', { type: 'noise', message: 'is anybody there?' })
const idOf = (number: number) => number.toString(16).padStart(64, '0')

const silent: readonly HostMutation[] = [
  {
    name: 'neverIntroducesItself',
    does: 'does not answer initialize',
    isSlow: true,
    hostLogs: /initialize: no answer within 10000 ms/,
    change: inPlaceOf(isHello, () => undefined),
  },
  {
    name: 'mute',
    does: 'answers nothing after initialize',
    hostLogs: /pings in a row had no answer/,
    change: inPlaceOf(isNoHello, () => undefined),
  },
  {
    name: 'deaf',
    does: 'does not read what comes after initialize',
    hostLogs: /pings in a row had no answer/,
    change: accepted(({ socket }) => void socket.pause()),
  },
  {
    name: 'neverPlugs',
    does: 'never answers endpoint/plug',
    hostLogs: /endpoint\/plug: no answer within/,
    change: inPlaceOf(isPlug, () => undefined),
  },
  {
    name: 'plugsTooLate',
    does: 'answers endpoint/plug half a second after it was given up',
    hostLogs: /endpoint\/plug: no answer within/,
    change: inPlaceOf(isPlug, (session, { id, params }, outcome) => {
      const { timeoutMs } = checkMeta('endpoint/plug', isJsonObject(params) ? params._meta : undefined)
      setTimeout(() => session.reply(id, outcome), timeoutMs + 500).unref()
    }),
  },
  {
    name: 'hangsUp',
    does: 'ends the connection at initialize',
    hostLogs: /the connection (ended|was lost)|closed the connection/,
    change: inPlaceOf(isHello, ({ socket }) => void socket.destroy()),
  },
  {
    name: 'hangsUpAtPlugs',
    does: 'ends the connection at endpoint/plug',
    hostLogs: /the connection (ended|was lost)|closed the connection/,
    change: inPlaceOf(isPlug, ({ socket }) => void socket.destroy()),
  },
  {
    name: 'slowHeader',
    does: 'sends a byte of a header now and then, and nothing else',
    hostLogs: /its header was not whole after 5000 ms|pings in a row/,
    change: onlySays('', 'Content-Length-Of-Something-Else: 1'),
  },
  {
    name: 'slowBody',
    does: 'sends a byte of a body now and then, and nothing else',
    hostLogs: /its body was not whole after 30000 ms|pings in a row/,
    change: onlySays('Content-Length: 1000\r\n\r\n{', ' '),
  },
]

const noisy: readonly HostMutation[] = [
  {
    name: 'floodOfEvents',
    does: 'sends events as fast as it can',
    hostLogs: /flood.*events come too fast/,
    change: accepted((session) => pour(session, event)),
  },
  {
    name: 'floodOfLogs',
    does: 'sends log lines as fast as it can',
    hostLogs: /flood.*log lines come too fast/,
    change: accepted((session) => pour(session, notice('driver/log', { level: 'error', message: 'help!' }))),
  },
  {
    name: 'floodOfReadiness',
    does: 'says that it is ready and that it is not as fast as it can',
    hostLogs: /flood.*readiness/,
    change: accepted((session) => {
      const both = [false, true].map((ready) => notice('driver/readiness', { ready }))
      pour(session, Buffer.concat(both))
    }),
  },
  {
    name: 'floodOfProgress',
    does: 'tells of calls that nobody made as fast as it can',
    hostLogs: /unknown-progress/,
    change: accepted((session) => pour(session, notice('$/progress', { token: 'x', message: 'on my way' }))),
  },
  {
    name: 'floodOfTheUnknown',
    does: 'sends notifications that nobody knows as fast as it can',
    change: accepted((session) => pour(session, notice('zoo/noise', {}))),
  },
  {
    name: 'floodOfReplies',
    does: 'sends replies that nobody asked for as fast as it can',
    hostLogs: /unasked-reply/,
    change: accepted((session) => pour(session, encode({ jsonrpc: '2.0', id: 'nobody', result: {} }))),
  },
  {
    name: 'floodOfRequests',
    does: 'asks the host as fast as it can, and reads no answers',
    hostLogs: /request-to-host/,
    change: accepted((session) => {
      session.socket.pause()
      pour(session, encode({ jsonrpc: '2.0', id: 1, method: 'host/allocate', params: {} }))
    }),
  },
  {
    name: 'floodBeforeItsTime',
    does: 'sends events before it has answered initialize, as fast as it can',
    hostLogs: /bad-notice.*before `initialized`/,
    change: inPlaceOf(isHello, (session, { id }, outcome) => {
      pour(session, event)
      setTimeout(() => session.reply(id, outcome), 300).unref()
    }),
  },
  {
    name: 'largeLogs',
    does: 'sends log lines with a megabyte of fields as fast as it can',
    hostLogs: /bad-notice.*fields/,
    change: accepted((session) => {
      const fields = { noise: 'x'.repeat(1024 ** 2) }
      pour(session, notice('driver/log', { level: 'error', message: 'help!', fields }))
    }),
  },
  {
    name: 'largeErrors',
    does: 'fails endpoint/plug with a message of 3 MiB',
    change: method('endpoint/plug', () => async () => {
      throw new ConetError('backendUnavailable', 'x'.repeat(3 * 1024 ** 2))
    }),
  },
  {
    name: 'largeEvents',
    does: 'sends events of 3 MiB as fast as it can',
    hostLogs: /bad-notice.*4096/,
    change: accepted((session) => {
      pour(session, notice('driver/event', { type: 'noise', message: 'x'.repeat(3 * 1024 ** 2) }))
    }),
  },
]

const garbled: readonly HostMutation[] = [
  ['headerBomb', 'sends a header without end', /header/, 'X: '.padEnd(64 * 1024, 'x')],
  ['headerOfManyLines', 'sends a header of many lines', /header/, `${'X: 1\r\n'.repeat(64)}\r\n`],
  ['noLength', 'sends a message without Content-Length', /Content-Length/, 'X: 1\r\n\r\n{}'],
  ['hugeLength', 'announces a body of 9 GB', /9999999999/, 'Content-Length: 9999999999\r\n\r\n{}'],
  ['noText', 'sends a body that is no UTF-8', /UTF-8/, 'Content-Length: 2\r\n\r\n\xff\xfe'],
  ['noJson', 'sends a body that is no JSON', /JSON/, 'Content-Length: 2\r\n\r\n{]'],
  ['batch', 'sends a batch', /object/, 'Content-Length: 2\r\n\r\n[]'],
  ['emptyBody', 'sends an empty body', /length|Content-Length|body/, 'Content-Length: 0\r\n\r\n'],
].map(([name = '', does, hostLogs, text]) => garble(`${name}`, `${does}`, hostLogs, `${text}`))

function garble(name: string, does: string, hostLogs: unknown, text: string): HostMutation {
  if (!(hostLogs instanceof RegExp)) throw new Error(`${name}: no pattern`)
  return { name, does, hostLogs, change: says(Buffer.from(text, 'latin1')) }
}

const wrong: readonly HostMutation[] = [
  {
    name: 'impostor',
    does: 'has the name of a driver that works',
    hostLogs: /has that name/,
    change: parts(({ introduce }) => ({
      introduce: (driver, version) => {
        const introduction = introduce(driver, version)
        return { ...introduction, driver: { ...introduction.driver, name: 'null' } }
      },
    })),
  },
  {
    name: 'speaksAfterRejection',
    does: 'has no version, and answers on when it is rejected for that',
    hostLogs: /its version is .{1,2}none/,
    change: parts(({ introduce }) => ({
      introduce: (driver, version) => {
        const introduction = introduce(driver, version)
        return { ...introduction, driver: { ...introduction.driver, version: 'none' } }
      },
      rejected: (session) => pour(session, encode({ jsonrpc: '2.0', id: 2, result: {} })),
    })),
  },
  {
    name: 'tooLargeIntroduction',
    does: 'introduces itself with more than the host takes',
    hostLogs: /4194304|too large/,
    change: parts(({ introduce, encode }) => ({
      introduce: (driver, version) => ({
        ...introduce(driver, version),
        configSchema: { description: 'x'.repeat(5 * 1024 ** 2) },
      }),
      answer: ({ socket }, { id }, outcome) => void socket.write(encode({ jsonrpc: '2.0', id, ...outcome })),
    })),
  },
  {
    name: 'answersTwice',
    does: 'answers everything twice',
    hostLogs: /unasked-reply/,
    change: inPlaceOf(
      () => true,
      (session, { id }, outcome) => {
        session.reply(id, outcome)
        session.reply(id, outcome)
      },
    ),
  },
  {
    name: 'answersOthers',
    does: 'answers with another id',
    hostLogs: /unasked-reply.*another/,
    change: inPlaceOf(isNoHello, (session, { id }, outcome) => session.reply(`another ${id}`, outcome)),
  },
  {
    name: 'idsAsText',
    does: 'answers with ids as text',
    hostLogs: /unasked-reply/,
    change: inPlaceOf(isNoHello, (session, { id }, outcome) => session.reply(String(id), outcome)),
  },
  {
    name: 'wrongResults',
    does: 'answers endpoint/plug with what is no result of it',
    hostLogs: /bad-answer.*endpoint\/plug/,
    change: method('endpoint/plug', () => async () => ({ interfaces: 'none' })),
  },
  {
    name: 'foreignInterface',
    does: 'says that it has made an interface that nobody asked for',
    hostLogs: /not acted on/,
    change: method('endpoint/plug', () => async () => ({
      interfaces: [
        {
          ...{ configuredBy: 'host', sourceName: 'lo', name: 'stray0' },
          ...{ macAddress: '02:00:00:00:00:01', addresses: [], routes: [] },
        },
      ],
    })),
  },
  {
    name: 'codesOfItsOwn',
    does: 'fails endpoint/plug with a code that is none',
    hostLogs: /bad-answer.*code/,
    change: inPlaceOf(isPlug, (session, { id }) => {
      session.reply(id, { error: { code: 1, message: 'no' } })
    }),
  },
  {
    name: 'deepAnswers',
    does: 'answers pings with arrays within arrays',
    change: inPlaceOf(
      ({ method }) => method === 'driver/ping',
      ({ socket }, { id }) => {
        const deep = '['.repeat(100_000) + ']'.repeat(100_000)
        const body = `{"jsonrpc":"2.0","id":${id},"result":{"deep":${deep}}}`
        socket.write(`Content-Length: ${body.length}\r\n\r\n${body}`)
      },
    ),
  },
  {
    name: 'endlessRepairs',
    does: 'says at a sync that it has mended ten thousand things',
    hostLogs: /repaired/,
    change: method('driver/sync', (sync) => async (page, call) => ({
      ...(await sync(page, call)),
      repaired: Array.from({ length: 10_000 }, (_, number) => `thing ${number}`),
    })),
  },
  {
    name: 'endlessFailures',
    does: 'says at a sync that it has failed at ten thousand networks',
    hostLogs: /what it was not asked for/,
    change: method('driver/sync', (sync) => async (page, call) => ({
      ...(await sync(page, call)),
      failed: Array.from({ length: 10_000 }, (_, number) => ({
        networkId: idOf(number),
        error: { name: 'internal', message: 'no' },
      })),
    })),
  },
  {
    name: 'strangers',
    does: 'has a thousand endpoints that nobody wants, and keeps them',
    hostLogs: /nobody wants/,
    change: method('driver/sync', (sync) => async (page, call) => ({
      ...(await sync(page, call)),
      unknown: {
        networkIds: [],
        endpoints: Array.from({ length: 1_000 }, (_, number) => ({
          networkId: idOf(0),
          endpointId: idOf(number),
        })),
      },
    })),
  },
]

export const hostMutations: readonly HostMutation[] = [...silent, ...noisy, ...garbled, ...wrong]
