import { LineLimit } from '@conet/host/conetd/line-limit'
import { loggerOptions, makeLogger } from '@conet/host/conetd/logger'
import { PendingLog } from '@conet/host/conetd/pending-log'
import { PendingRetries } from '@conet/host/lifecycle/pending-retries'
import { ConetError } from '@conet/sdk'
import { KernelError } from '@conet/sdk/linux'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'

/** A log as conetd has it, on a clock that stands until it is moved. */
function logScene() {
  const clock = { nowMs: 0 }
  const lines: string[] = []
  const options = loggerOptions(
    'info',
    new LineLimit({ mostLines: 20, spanMs: 60_000, nowMs: () => clock.nowMs }),
  )
  const log = pino(options, { write: (line: string) => void lines.push(line) })
  return { clock, log, lines, read: () => lines.map((line) => JSON.parse(line)) }
}

/** So many endpoints of the driver `wire` are tried again and again. */
async function failAll(failure: () => ConetError, { endpoints = 300, rounds = 5 } = {}) {
  const scene = logScene()
  const pendingLog = new PendingLog({
    log: () => scene,
    what: 'a deletion is pending',
    count: () => removals.size,
    driverOf: () => 'wire',
  })
  using removals: PendingRetries = new PendingRetries({
    verb: 'remove',
    firstDelayMs: 60_000,
    onError: pendingLog.tell.bind(pendingLog),
    retry: async () => {
      throw failure()
    },
  })
  for (let n = 0; n < endpoints; n++) removals.add({ kind: 'endpoint', id: `e${n}` })
  for (let n = 0; n < rounds; n++) await removals.retryNow(() => true)
  return scene.read()
}

describe('what the log says of what is tried again', () => {
  it('is one line for a driver that is away, however many endpoints wait for it', async () => {
    const lines = await failAll(() => new ConetError('driverUnavailable', 'driver "wire" has no socket'))
    expect(lines).toEqual([
      expect.objectContaining({
        driver: 'wire',
        pending: 300,
        err: { type: 'ConetError', kind: 'driverUnavailable', message: 'driver "wire" has no socket' },
      }),
    ])
  })

  it('is a line for each that begins to fail, and one for all that go on', async () => {
    const lines = await failAll(() => new ConetError('internal', 'the kernel says no'), { endpoints: 3 })
    expect(lines.map(({ id, pending }) => id ?? pending)).toEqual(['e0', 'e1', 'e2', 3])
  })

  it('is short: an expected error has its kind, its message and its causes, a bug has its stack', () => {
    const { log, lines, read } = logScene()
    const cause = new Error('outer', { cause: new Error('inner') })
    log.warn({ err: new ConetError('internal', 'no', { cause }) }, 'expected')
    log.warn({ err: new KernelError({ errno: 19, operation: 'get link zz' }) }, 'expected')
    log.error({ err: new TypeError('bug'), reason: new ConetError('deadlineExceeded', 'late') }, 'bug')
    expect(lines.slice(0, 2).join()).not.toContain('    at ')
    expect(read()[1].err).toEqual({ type: 'KernelError', code: 'ENODEV', message: 'get link zz: ENODEV' })
    expect(read()[0].err).toMatchObject({
      kind: 'internal',
      message: 'no',
      cause: 'Error: outer: Error: inner',
    })
    expect(read()[2]).toMatchObject({
      err: { stack: expect.stringContaining('    at ') },
      reason: { kind: 'deadlineExceeded' },
    })
  })
})

it('takes no line from one driver because another is noisy', () => {
  const { log, read } = logScene()
  for (let n = 0; n < 1_000; n++) log.warn({ driver: 'noisy' }, 'a driver broke the protocol')
  log.warn({ driver: 'other', violation: 'bad-answer' }, 'a driver broke the protocol')
  expect(read().at(-1)).toMatchObject({ driver: 'other' })
})

it('writes so many warnings of one text in a minute, and says with the next one how many were left out', () => {
  const { clock, log, read } = logScene()
  for (let n = 0; n < 1_000; n++) log.error({ n }, 'no plug')
  log.warn('something else')
  for (let n = 0; n < 30; n++) log.info('what is asked for')
  expect(read()).toHaveLength(20 + 1 + 30)
  clock.nowMs = 60_000
  log.error('no plug')
  expect(read().slice(-2)).toMatchObject([
    { msg: 'lines were left out', count: 980, text: 'no plug' },
    { msg: 'no plug' },
  ])
})

it('tells the same of many objects for each of them, up to a limit that is counted too', () => {
  const { clock, log, read } = logScene()
  for (let n = 0; n < 100; n++) log.error({ path: `/spool/${n}` }, 'a file cannot be read')
  expect(new Set(read().map(({ path }) => path)).size).toBe(100)
  for (let n = 0; n < 100_000; n++) log.error({ path: `/spool/${n}` }, 'a file cannot be read')
  expect(read()).toHaveLength(1_000)
  clock.nowMs = 60_000
  log.warn('something else')
  expect(read().at(-2)).toMatchObject({ msg: 'lines were left out', count: 99_100 })
})

it('says how many lines were left out when their minute is over, and at the end, also when no such line follows', async () => {
  const lines: string[] = []
  const write = (line: string) => void lines.push(line)
  const read = () => lines.map((line) => JSON.parse(line))
  {
    using logging = makeLogger('info', new LineLimit({ mostLines: 1, spanMs: 5 }), { write })
    for (let n = 0; n < 3; n++) logging.log.warn('no plug')
    await eventually(() => expect(read().slice(1)).toMatchObject([{ count: 2, text: 'no plug' }]))
  }
  {
    using logging = makeLogger('info', new LineLimit({ mostLines: 1 }), { write })
    for (let n = 0; n < 5; n++) logging.log.error('no unplug')
  }
  expect(read().at(-1)).toMatchObject({ msg: 'lines were left out', count: 4, text: 'no unplug' })
})

it('keeps no more than so many texts, and says of those that it forgets what was left out', () => {
  const limit = new LineLimit({ mostLines: 1, nowMs: () => 0 })
  const take = (text: string) => limit.take({ text, source: '', object: '' })
  for (let n = 0; n < 3; n++) take('first')
  const told = Array.from({ length: 1_000 }, (_, n) => take(`text ${n}`).leftOut).flat()
  expect(told).toEqual([{ text: 'first', count: 2 }])
})
