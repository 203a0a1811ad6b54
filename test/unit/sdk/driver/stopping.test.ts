import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConetError, serveDriver } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { sampleEndpoint, sampleNetwork, sampleSandbox } from '../../../support/driver-client.ts'
import { eventually } from '../../../support/eventually.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'
import { failureOf, Gate, sampleDriver, served } from './served.ts'

const plugParams = () => ({ ...sampleEndpoint(), sandbox: sampleSandbox })

describe('a driver that stops', () => {
  it('lets calls under way end and answers them, then calls stop, once', async () => {
    const gate = new Gate()
    const seen: string[] = []
    await using sample = await served(
      {
        async plug() {
          await gate.pass()
          seen.push('plugged')
          return { interfaces: [] }
        },
        async stop() {
          seen.push('stop')
        },
      },
      { stopTimeoutMs: 10_000 },
    )
    const plug = sample.client.call('endpoint/plug', plugParams())
    await eventually(() => expect(gate.arrivals).toBe(1))
    const closing = [sample.driver.close(), sample.driver.close()]
    const refused = await failureOf(sample.client.call('network/create', { network: sampleNetwork() }))
    expect(refused).toMatchObject({ kind: 'draining', operationState: 'not-started' })
    expect(seen).toEqual([])
    gate.open()
    await expect(plug).resolves.toEqual({ interfaces: [] })
    await Promise.all(closing)
    expect(seen).toEqual(['plugged', 'stop'])
  })

  it('aborts calls that do not end in time, and lets them undo before it calls stop', async () => {
    const seen: string[] = []
    await using sample = await served(
      {
        async plug(_params, { signal }) {
          seen.push('plug')
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          // What an undo takes.
          await new Promise((resolve) => setTimeout(resolve, 100))
          seen.push('undone')
          throw signal.reason
        },
        async stop() {
          seen.push('stop')
        },
      },
      { stopTimeoutMs: 20 },
    )
    const plug = failureOf(sample.client.call('endpoint/plug', plugParams()))
    await eventually(() => expect(seen).toEqual(['plug']))
    await sample.driver.close()
    await plug
    expect(seen).toEqual(['plug', 'undone', 'stop'])
  })

  it('rejects close with what stop threw', async () => {
    await using sample = await served({
      async stop() {
        throw new ConetError('backendUnavailable', 'cannot say goodbye')
      },
    })
    expect((await failureOf(sample.driver.close())).message).toBe('cannot say goodbye')
    expect((await failureOf(sample.driver.closed)).message).toBe('cannot say goodbye')
  })

  it('tells both when the driver cannot stop and its socket cannot be removed', async () => {
    await using directory = await temporaryDirectory()
    const inside = join(directory.path, 'drivers')
    const driver = sampleDriver({
      async stop() {
        throw new ConetError('backendUnavailable', 'cannot say goodbye')
      },
    })
    const served = await serveDriver(driver, {
      socketPath: join(inside, 'x.sock'),
      writeLog: () => undefined,
    })
    await rename(inside, join(directory.path, 'elsewhere'))
    await writeFile(inside, 'no directory')
    const failure = await served.close().catch((error: unknown) => error)
    expect(failure).toMatchObject({
      errors: [{ code: 'ENOTDIR' }, { kind: 'backendUnavailable', message: 'cannot say goodbye' }],
    })
  })

  it('does not call stop when it has a start that was never called', async () => {
    let stops = 0
    const overrides = {
      async start() {},
      async stop() {
        stops += 1
      },
    }
    await using started = await served(overrides)
    await started.client.call('network/list', {})
    await started.driver.close()
    expect(stops).toBe(1)
    const idle = await serveDriver(sampleDriver(overrides), {
      socketPath: started.socketPath,
      writeLog: () => undefined,
    })
    await idle.close()
    expect(stops).toBe(1)
  })
})
