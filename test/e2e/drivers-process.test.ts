import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { DriverCalls } from '@conet/host/drivers/index'
import { describe, expect, it } from 'vitest'
import { startDriverHost } from '../support/driver-host.ts'
import { scriptedDriverArgv } from '../support/driver-programs.ts'
import { eventually } from '../support/eventually.ts'

async function startDriver(socket: string, name: string) {
  const child = spawn(process.execPath, scriptedDriverArgv(socket), {
    env: { ...process.env, SCRIPTED_NAME: name },
    stdio: 'ignore',
  })
  await once(child, 'spawn')
  const exit = once(child, 'exit')
  return {
    child,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exit
    },
  }
}

const list = (session: DriverCalls, timeoutMs = 2_000) =>
  session.call('network/list', {}, { operationId: 'op', timeoutMs })

describe('drivers as processes that anyone may start', () => {
  it('[K1] [K2] [K3] uses a driver that is killed and started again, without a restart of the host', async () => {
    await using host = await startDriverHost()
    {
      await using driver = await startDriver(host.socket('x'), 'x')
      await host.until('x', 'ready')
      expect(await list(await host.registry.require('x'))).toEqual({ networkIds: [] })
      driver.child.kill('SIGKILL')
      await host.until('x', 'closed')
    }
    const first = host.entry('x')?.instanceId
    await using _again = await startDriver(host.socket('x'), 'x')
    const entry = await host.until('x', 'ready')
    expect(entry.instanceId).not.toBe(first)
    expect(await list(await host.registry.require('x'))).toEqual({ networkIds: [] })
    expect(host.bugs).toEqual([])
  })

  it('[K3] fails only the calls on a driver that hangs, and goes on with it when it does', async () => {
    await using host = await startDriverHost({ timing: { pingIntervalMs: 100 } })
    await using hung = await startDriver(host.socket('hung'), 'hung')
    await using _other = await startDriver(host.socket('other'), 'other')
    await host.until('hung', 'ready')
    await host.until('other', 'ready')
    const session = await host.registry.require('hung')
    hung.child.kill('SIGSTOP')
    const stuck = expect(list(session, 200)).rejects.toMatchObject({ kind: 'deadlineExceeded' })
    expect(await list(await host.registry.require('other'))).toEqual({ networkIds: [] })
    await stuck
    expect(host.entry('hung')?.state).toBe('degraded')
    hung.child.kill('SIGCONT')
    await host.until('hung', 'ready')
    expect(host.entry('hung')?.attempts).toBe(1)
  })

  it('[K3] degrades a driver at the first ping that is missed, disconnects it at the third, and dials it until it answers', async () => {
    const timing = { pingIntervalMs: 200, pingTimeoutMs: 200 }
    await using host = await startDriverHost({ timing })
    await using hung = await startDriver(host.socket('hung'), 'hung')
    await host.until('hung', 'ready')
    const from = host.changes.length
    hung.child.kill('SIGSTOP')
    await host.until('hung', 'closed')
    const states = host.changes.slice(from).map(({ state }) => state)
    expect(states.slice(0, 2)).toEqual(['degraded', 'closed'])
    const pings = host.changes.at(-1)?.figures.find(({ method }) => method === 'driver/ping')
    expect(pings?.failed).toBe(3)
    expect(host.changes.find(({ state }) => state === 'closed')?.lastError?.message).toContain(
      '3 pings in a row had no answer',
    )
    hung.child.kill('SIGCONT')
    await host.until('hung', 'ready')
    expect(host.entry('hung')?.attempts).toBeGreaterThan(1)
  })

  it('says of the socket that a killed driver left behind that nobody listens, and does not spin', async () => {
    await using host = await startDriverHost({ timing: { firstBackoffMs: 40, mostBackoffMs: 60_000 } })
    {
      await using driver = await startDriver(host.socket('x'), 'x')
      await host.until('x', 'ready')
      driver.child.kill('SIGKILL')
    }
    await eventually(() => {
      expect(host.entry('x')?.lastError?.message).toContain('nobody listens: its driver has ended')
    })
    expect(host.entry('x')?.attempts).toBeLessThan(10)
  })
})
