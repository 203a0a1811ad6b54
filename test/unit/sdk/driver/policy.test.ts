import { ConetError, type Driver, type Params } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { newId, sampleEndpoint, sampleNetwork, sampleSandbox } from '../../../support/driver-client.ts'
import { failureOf, Gate, served } from './served.ts'

const network = sampleNetwork()

/** A driver that keeps the policies that it is handed. */
function keeping(overrides: Partial<Driver> = {}) {
  const handed: unknown[] = []
  const driver: Partial<Driver> = {
    async policy({ policy, portMappings }) {
      handed.push(portMappings === undefined ? policy : [policy, portMappings])
    },
    async plug({ policy }) {
      handed.push(policy ?? 'none')
      return { interfaces: [] }
    },
    ...overrides,
  }
  return { handed, driver }
}

describe('endpoint/policy', () => {
  it('is offered by a driver with policy, and by no other', async () => {
    const policy: Params<'endpoint/policy'> = { ...sampleEndpoint(network), policy: {} }
    await using without = await served()
    await expect(without.client.raw('endpoint/policy', policy)).rejects.toThrow('no such method')
    await using having = await served(keeping().driver)
    expect(await having.client.raw('endpoint/policy', policy)).toEqual({})
  })

  it('hands on the document and the ports, for what is plugged, created, and not known', async () => {
    const { handed, driver } = keeping()
    await using sample = await served(driver)
    const endpoint = sampleEndpoint(network)
    const set = (changes: object) =>
      sample.client.call('endpoint/policy', { ...endpoint, policy: {}, ...changes })
    await set({ policy: { is: 'not known' } })
    await sample.client.call('network/create', { network })
    await sample.client.call('endpoint/create', endpoint)
    await set({ policy: { is: 'created' } })
    const sandbox = sampleSandbox
    await sample.client.call('endpoint/plug', { ...endpoint, sandbox, policy: { is: 'plugged' } })
    const portMappings = [{ protocol: 'tcp', hostPort: 80, containerPort: 8080 }]
    await set({ policy: { is: 'changed' }, portMappings, sandbox })
    expect(handed).toEqual([
      { is: 'not known' },
      { is: 'created' },
      { is: 'plugged' },
      [{ is: 'changed' }, portMappings],
    ])
  })

  it('another policy is no conflict in a create or a plug, other content is one in a policy', async () => {
    const { handed, driver } = keeping()
    await using sample = await served(driver)
    const endpoint = sampleEndpoint(network)
    const { client } = sample
    const sandbox = sampleSandbox
    await client.call('network/create', { network })
    await client.call('endpoint/create', { ...endpoint, policy: { n: 1 } })
    await client.call('endpoint/create', { ...endpoint, policy: { n: 2 } })
    await client.call('endpoint/plug', { ...endpoint, sandbox, policy: { n: 3 } })
    await client.call('endpoint/plug', { ...endpoint, sandbox, policy: { n: 4 } })
    const other = { ...endpoint, options: { other: true }, policy: { n: 5 } }
    expect(await failureOf(client.call('endpoint/policy', other))).toMatchObject({ kind: 'conflict' })
    expect(handed).toEqual([{ n: 3 }, { n: 4 }])
  })

  it('waits for the plug before it, and a failure names what is wrong', async () => {
    const order: string[] = []
    await using sample = await served({
      async plug() {
        await new Promise((resolve) => setImmediate(resolve))
        order.push('plug')
        return { interfaces: [] }
      },
      async policy() {
        order.push('policy')
        throw new ConetError('invalidArgument', 'no', { fields: [{ path: 'policy.x', message: 'is odd' }] })
      },
    })
    const endpoint = sampleEndpoint(network)
    await sample.client.call('network/create', { network })
    const plugged = sample.client.call('endpoint/plug', { ...endpoint, sandbox: sampleSandbox })
    const changed = sample.client.raw('endpoint/policy', { ...endpoint, policy: {} })
    await expect(changed).rejects.toMatchObject({ kind: 'invalidArgument', fields: [{ path: 'policy.x' }] })
    await plugged
    expect(order).toEqual(['plug', 'policy'])
  })

  it('is refused with a document that is none, and while the driver drains', async () => {
    await using sample = await served({ ...keeping().driver, hotUpgrade: true })
    const endpoint = sampleEndpoint(network)
    expect(await sample.client.raw('endpoint/policy', endpoint)).toEqual({})
    await expect(sample.client.raw('endpoint/policy', { ...endpoint, policy: [] })).rejects.toMatchObject({
      kind: 'invalidArgument',
    })
    await sample.client.call('driver/drain', {})
    await expect(sample.client.raw('endpoint/policy', { ...endpoint, policy: {} })).rejects.toMatchObject({
      kind: 'draining',
    })
  })
})

describe('endpoint/stats', () => {
  const counters = {
    rxBytes: 1,
    txBytes: 2,
    rxPackets: 3,
    txPackets: 4,
    rxErrors: 5,
    txErrors: 6,
    rxDropped: 7,
    txDropped: 8,
  }

  it('answers what the driver counts, also while a call on the endpoint is under way', async () => {
    const gate = new Gate()
    await using sample = await served({
      async plug() {
        await gate.pass()
        return { interfaces: [] }
      },
      stats: async (endpoints) => endpoints.map((endpoint) => ({ ...endpoint, ...counters })),
    })
    const endpoint = sampleEndpoint(network)
    const ref = { networkId: network.id, endpointId: endpoint.endpointId }
    await sample.client.call('network/create', { network })
    const plugged = sample.client.call('endpoint/plug', { ...endpoint, sandbox: sampleSandbox })
    expect(await sample.client.call('endpoint/stats', { endpoints: [ref] })).toEqual({
      stats: [{ ...ref, ...counters }],
    })
    gate.open()
    await plugged
  })

  it('counters that are none are a bug of the driver', async () => {
    await using sample = await served({
      stats: async (endpoints) => endpoints.map((one) => ({ ...one, ...counters, rxBytes: -1 })),
    })
    const endpoints = [{ networkId: network.id, endpointId: newId() }]
    await expect(sample.client.raw('endpoint/stats', { endpoints })).rejects.toMatchObject({
      kind: 'internal',
    })
  })
})
