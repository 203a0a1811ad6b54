import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { sampleEndpoint, sampleSandbox } from '../../../support/driver-client.ts'
import { failureOf, Gate, type Served, served } from './served.ts'

type Outcome = { create: Promise<unknown>; plug: Promise<unknown> }

function createAndPlug({ client }: Served, endpoint = sampleEndpoint(), budgetMs?: number): Outcome {
  const options = budgetMs === undefined ? {} : { budgetMs }
  const create = client.call('endpoint/create', endpoint, options)
  const plug = client.call('endpoint/plug', { ...endpoint, sandbox: sampleSandbox })
  create.catch(() => undefined)
  plug.catch(() => undefined)
  return { create, plug }
}

/** Fails creates as it is told, and counts the plugs that reach it. */
function fragile(failures: unknown[]) {
  const counts = { plugs: 0, deletes: 0 }
  return {
    counts,
    driver: {
      async createEndpoint() {
        const failure = failures.shift()
        if (failure !== undefined) throw failure
      },
      async plug() {
        counts.plugs += 1
        return { interfaces: [] }
      },
      async deleteEndpoint() {
        counts.deletes += 1
      },
    },
  }
}

describe('a plug sent right behind its create', () => {
  it('runs after it', async () => {
    const { counts, driver } = fragile([])
    await using sample = await served(driver)
    const { create, plug } = createAndPlug(sample)
    await create
    await expect(plug).resolves.toEqual({ interfaces: [] })
    expect(counts.plugs).toBe(1)
  })

  it('[D7] fails without reaching the driver when the create fails; the create can be repeated', async () => {
    const { counts, driver } = fragile([new ConetError('addressInUse', 'the MAC is taken')])
    await using sample = await served(driver)
    const endpoint = sampleEndpoint()
    const { create, plug } = createAndPlug(sample, endpoint)
    expect((await failureOf(create)).kind).toBe('addressInUse')
    const error = await failureOf(plug)
    expect(error).toMatchObject({ kind: 'failedPrecondition', operationState: 'not-started' })
    expect(error.message).toContain('the MAC is taken')
    expect(counts.plugs).toBe(0)

    const again = createAndPlug(sample, endpoint)
    await again.create
    await again.plug
    expect(counts.plugs).toBe(1)
  })

  it('fails when the create was refused for a wrong field', async () => {
    const { counts, driver } = fragile([])
    await using sample = await served(driver)
    const good = sampleEndpoint()
    const bad = { ...good, interface: { ...good.interface, macAddress: 'nonsense' } }
    const create = sample.client.raw('endpoint/create', bad)
    const plug = sample.client.call('endpoint/plug', { ...good, sandbox: sampleSandbox })
    plug.catch(() => undefined)
    await expect(create).rejects.toMatchObject({ fields: [{ path: 'interface.macAddress' }] })
    await expect(plug).rejects.toMatchObject({ kind: 'failedPrecondition' })
    expect(counts.plugs).toBe(0)
  })

  it('fails when the create missed its deadline, although it ended well later', async () => {
    const gate = new Gate()
    const { counts, driver } = fragile([])
    await using sample = await served({ ...driver, createEndpoint: () => gate.pass() })
    const { create, plug } = createAndPlug(sample, sampleEndpoint(), 20)
    expect((await failureOf(create)).kind).toBe('deadlineExceeded')
    gate.open()
    expect((await failureOf(plug)).kind).toBe('failedPrecondition')
    expect(counts.plugs).toBe(0)
  })

  it('leaves other endpoints alone, and the delete behind it runs', async () => {
    const { counts, driver } = fragile([new ConetError('conflict', 'no')])
    await using sample = await served(driver)
    const endpoint = sampleEndpoint()
    const failing = createAndPlug(sample, endpoint)
    const ref = { networkId: endpoint.network.id, endpointId: endpoint.endpointId }
    const deleted = sample.client.call('endpoint/delete', ref)
    const other = createAndPlug(sample)
    await other.plug
    await deleted
    await failureOf(failing.plug)
    expect(counts).toEqual({ plugs: 1, deletes: 1 })
  })

  it('is judged by the creates of its own connection', async () => {
    const { counts, driver } = fragile([new ConetError('conflict', 'no')])
    await using sample = await served(driver)
    const endpoint = sampleEndpoint()
    await failureOf(sample.client.call('endpoint/create', endpoint))
    await using second = await sample.connect()
    await second.call('endpoint/plug', { ...endpoint, sandbox: sampleSandbox })
    expect(counts.plugs).toBe(1)
  })
})

describe('an unplug and a delete sent back to back', () => {
  it('both run, also when the unplug fails', async () => {
    const { counts, driver } = fragile([])
    await using sample = await served({
      ...driver,
      async unplug() {
        throw new ConetError('backendUnavailable', 'away')
      },
    })
    const { network, endpointId } = sampleEndpoint()
    const ref = { networkId: network.id, endpointId }
    const unplug = sample.client.call('endpoint/unplug', ref)
    const deleted = sample.client.call('endpoint/delete', ref)
    expect((await failureOf(unplug)).kind).toBe('backendUnavailable')
    await deleted
    expect(counts.deletes).toBe(1)
  })
})
