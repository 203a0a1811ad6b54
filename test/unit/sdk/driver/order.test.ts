import { describe, expect, it } from 'vitest'
import { newId, sampleEndpoint, sampleNetwork, sampleSandbox } from '../../../support/driver-client.ts'
import { eventually } from '../../../support/eventually.ts'
import { Gate, served } from './served.ts'

/** A driver that notes what begins and ends, and holds calls back at gates by what they are about. */
function noting(gates: Record<string, Gate> = {}) {
  const seen: string[] = []
  const step = async (name: string) => {
    seen.push(name)
    await gates[name]?.pass()
    seen.push(`/${name}`)
  }
  return {
    seen,
    driver: {
      createNetwork: ({ name }: { name: string }) => step(`net ${name}`),
      deleteNetwork: () => step('delete net'),
      createEndpoint: ({ container }: { container: { handle: string } }) =>
        step(`create ${container.handle}`),
      deleteEndpoint: () => step('delete'),
      async plug({ container }: { container: { handle: string } }) {
        await step(`plug ${container.handle}`)
        return { interfaces: [] }
      },
      unplug: () => step('unplug'),
    },
  }
}

const endpointOf = (network = sampleNetwork(), handle = 'a') => ({
  ...sampleEndpoint(network),
  container: { handle, labels: {} },
})

describe('the order of calls', () => {
  it('is that of arrival on one endpoint, over all methods and connections', async () => {
    const gates = { 'create a': new Gate() }
    const { seen, driver } = noting(gates)
    await using sample = await served(driver)
    await using second = await sample.connect()
    const endpoint = endpointOf()
    const ref = { networkId: endpoint.network.id, endpointId: endpoint.endpointId }
    const first = sample.client.call('endpoint/create', endpoint)
    await eventually(() => expect(gates['create a'].arrivals).toBe(1))
    const rest = [
      second.call('endpoint/plug', { ...endpoint, sandbox: sampleSandbox }),
      second.call('endpoint/unplug', ref),
      second.call('endpoint/delete', ref),
    ]
    await second.call('driver/ping', {})
    expect(seen).toEqual(['create a'])
    gates['create a'].open()
    await Promise.all([first, ...rest])
    expect(seen).toEqual(['create a', 'plug a', 'unplug', 'delete'].flatMap((name) => [name, `/${name}`]))
  })

  it('lets different endpoints of a network, and different networks, run side by side', async () => {
    const gates = { 'create a': new Gate(), 'net other': new Gate() }
    const { driver } = noting(gates)
    await using sample = await served(driver)
    const network = sampleNetwork()
    const held = [
      sample.client.call('endpoint/create', endpointOf(network, 'a')),
      sample.client.call('network/create', { network: { ...sampleNetwork(), name: 'other' } }),
    ]
    await sample.client.call('endpoint/create', endpointOf(network, 'b'))
    await sample.client.call('network/create', { network: sampleNetwork() })
    await sample.client.call('endpoint/list', {})
    for (const gate of Object.values(gates)) gate.open()
    await Promise.all(held)
  })

  it('makes endpoint calls wait for a create of their network that came before', async () => {
    const gates = { 'net net': new Gate() }
    const { seen, driver } = noting(gates)
    await using sample = await served(driver)
    const network = sampleNetwork()
    const all = [
      sample.client.call('network/create', { network }),
      sample.client.call('endpoint/create', endpointOf(network)),
    ]
    await eventually(() => expect(gates['net net'].arrivals).toBe(1))
    await sample.client.call('driver/ping', {})
    expect(seen).toEqual(['net net'])
    gates['net net'].open()
    await Promise.all(all)
    expect(seen).toEqual(['net net', '/net net', 'create a', '/create a'])
  })

  it('makes the delete of a network wait for the endpoint calls before it, and those after it wait', async () => {
    const gates = { delete: new Gate() }
    const { seen, driver } = noting(gates)
    await using sample = await served(driver)
    const network = sampleNetwork()
    const ref = () => ({ networkId: network.id, endpointId: newId() })
    const all = [
      sample.client.call('endpoint/delete', ref()),
      sample.client.call('endpoint/unplug', ref()),
      sample.client.call('network/delete', { networkId: network.id }),
      sample.client.call('endpoint/create', endpointOf(network, 'c')),
    ]
    await eventually(() => expect(seen).toContain('/unplug'))
    await sample.client.call('driver/ping', {})
    expect(seen).not.toContain('delete net')
    gates.delete.open()
    await Promise.all(all)
    expect(seen.slice(-5)).toEqual(['/delete', 'delete net', '/delete net', 'create c', '/create c'])
  })

  it('goes on after a failure and after a call that was given up', async () => {
    let plugs = 0
    await using sample = await served({
      async unplug() {
        throw new Error('no')
      },
      async plug() {
        plugs += 1
        return { interfaces: [] }
      },
    })
    const endpoint = endpointOf()
    const ref = { networkId: endpoint.network.id, endpointId: endpoint.endpointId }
    const failing = sample.client.call('endpoint/unplug', ref)
    const next = sample.client.call('endpoint/plug', { ...endpoint, sandbox: sampleSandbox })
    await expect(failing).rejects.toMatchObject({ kind: 'internal' })
    await next
    expect(plugs).toBe(1)
  })

  it('gives a call that is still waiting up as not started, and never runs it', async () => {
    const gate = new Gate()
    let unplugs = 0
    await using sample = await served({
      deleteEndpoint: () => gate.pass(),
      async unplug() {
        unplugs += 1
      },
    })
    const ref = { networkId: newId(), endpointId: newId() }
    const held = sample.client.call('endpoint/delete', ref)
    await expect(sample.client.call('endpoint/unplug', ref, { budgetMs: 20 })).rejects.toMatchObject({
      kind: 'deadlineExceeded',
      operationState: 'not-started',
    })
    gate.open()
    await held
    await sample.client.call('endpoint/delete', ref)
    expect(unplugs).toBe(0)
  })
})
