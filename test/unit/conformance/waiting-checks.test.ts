// Checks that wait beside the others: what counts of them.
import { allChecks } from '@conet/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { WaitingChecks } from '../../../sdk/dist/conformance/runner/waiting-checks.js'

const check = allChecks.find((candidate) => 'run' in candidate && candidate.mostlyWaits === true)

function waitingOn(process: { pid: number; isAlive: boolean } | undefined) {
  if (check === undefined || !('run' in check)) throw new Error('no check waits')
  const target = {
    socketPath: '/x',
    description: 'x',
    process: process && {
      ...process,
      stderr: '',
      ownEnd: undefined,
      end: fail,
      restart: fail,
      startAnother: fail,
    },
    async [Symbol.asyncDispose]() {},
  }
  return { check, target, waiting: new WaitingChecks<{ status: string }>(target) }
}

const fail = () => Promise.reject(new Error('not here'))

describe('a check that waits beside the others', () => {
  it('counts if it passed', async () => {
    const { check, waiting } = waitingOn(undefined)
    waiting.begin([check], async () => ({ status: 'pass' }))
    expect(await waiting.passOf(check)).toEqual({ status: 'pass' })
  })

  it.each(['fail', 'warn', 'error'])('is made again alone if its end is %s', async (status) => {
    const { check, waiting } = waitingOn({ pid: 7, isAlive: true })
    waiting.begin([check], async () => ({ status }))
    expect(await waiting.passOf(check)).toBeUndefined()
  })

  it('is made again if the driver has died meanwhile', async () => {
    const process = { pid: 7, isAlive: true }
    const { check, target, waiting } = waitingOn(process)
    waiting.begin([check], async () => ({ status: 'pass' }))
    if (target.process !== undefined) Object.assign(target.process, { isAlive: false })
    expect(await waiting.passOf(check)).toBeUndefined()
  })

  it('ends when it is given up, and has not begun', async () => {
    const { check, waiting } = waitingOn(undefined)
    const ended = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve))
    waiting.begin([check], async (_check, signal) => {
      await ended(signal)
      return { status: 'pass' }
    })
    await waiting.giveUp()
    expect(await waiting.passOf(check)).toBeUndefined()
  })
})
