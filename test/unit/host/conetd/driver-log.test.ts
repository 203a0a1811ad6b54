import { DriverLog } from '@conet/host/conetd/driver-log'
import type { DriverEntry, SessionState } from '@conet/host/drivers/index'
import { pino } from 'pino'
import { expect, it } from 'vitest'

function logged(
  ...steps: readonly (readonly [SessionState, string?])[]
): [level: number, message: string, error?: string][] {
  const lines: string[] = []
  const log = new DriverLog(pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }))
  for (const [state, message] of steps) log.tell(entry(state, message))
  return lines.map((line) => JSON.parse(line)).map(({ level, msg, lastError }) => [level, msg, lastError])
}

function entry(state: SessionState, message: string | undefined): DriverEntry {
  return {
    name: 'wire',
    socketPath: '/run/conet/drivers/wire.sock',
    state,
    since: undefined,
    readiness: undefined,
    health: undefined,
    attempts: 1,
    nextRetry: undefined,
    lastError: message === undefined ? undefined : { kind: 'driverUnavailable', message, at: undefined },
    callsUnderWay: [],
    figures: [],
    violations: [],
    supervised: undefined,
    pid: undefined,
  }
}

it('says once why a driver cannot be connected, and again when the reason is another', () => {
  const tries = [
    ['dialing'],
    ['closed', 'nobody listens'],
    ['dialing', 'nobody listens'],
    ['closed', 'nobody listens'],
    ['closed', 'it hung up'],
    ['closed', 'it hung up'],
  ] as const
  expect(logged(...tries)).toEqual([
    [40, 'driver closed', 'nobody listens'],
    [40, 'driver closed', 'it hung up'],
  ])
})

it('says it again when the driver was there in between', () => {
  expect(logged(['closed', 'it hung up'], ['ready'], ['closed', 'it hung up'])).toEqual([
    [40, 'driver closed', 'it hung up'],
    [30, 'driver ready', undefined],
    [40, 'driver closed', 'it hung up'],
  ])
})
