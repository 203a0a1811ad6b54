// The fake driver is what other tests stand on, so it is tested itself.
import { describe, expect, it } from 'vitest'
import {
  DriverClient,
  newId,
  sampleEndpoint,
  sampleNetwork,
  sampleSandbox,
} from '../../support/driver-client.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeDriver } from '../../support/fake-driver.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { failureOf } from './driver/served.ts'

describe('the fake driver', () => {
  it('does what its plan says, which may change while it runs, and records its calls', async () => {
    await using directory = await temporaryDirectory()
    await using fake = await FakeDriver.start({ directory: directory.path, name: 'other' })
    await using client = await DriverClient.initialized(fake.socketPath)
    const network = sampleNetwork()
    const create = () => client.call('network/create', { network })
    await create()
    fake.plan({ methods: { 'network/create': { error: { kind: 'subnetOverlap', message: 'taken' } } } })
    expect(await failureOf(create())).toMatchObject({ kind: 'subnetOverlap', message: 'taken' })
    fake.plan({ methods: { 'network/create': { bug: 'oops' } } })
    expect((await failureOf(create())).kind).toBe('internal')
    fake.plan({ methods: { 'network/create': { errno: 16 } } })
    expect(await failureOf(create())).toMatchObject({
      kind: 'kernelRefused',
      details: { code: 'EBUSY' },
    })
    fake.plan({ methods: { 'network/list': { result: [1] } } })
    expect((await failureOf(client.call('network/list', {}))).kind).toBe('internal')
    expect(fake.records().filter(({ event }) => event === 'fail')).toHaveLength(3)
    expect(fake.records()[2]).toMatchObject({
      pid: fake.program.pid,
      event: 'begin',
      method: 'network/create',
      params: { network },
      attempt: 1,
    })
  })

  it('hangs, and records that the call was given up', async () => {
    await using directory = await temporaryDirectory()
    const plan = { methods: { 'endpoint/plug': { hangs: true } } }
    await using fake = await FakeDriver.start({ directory: directory.path, plan })
    await using client = await DriverClient.initialized(fake.socketPath)
    const params = { ...sampleEndpoint(), sandbox: sampleSandbox }
    const error = await failureOf(client.call('endpoint/plug', params, { budgetMs: 50 }))
    expect(error.kind).toBe('deadlineExceeded')
    await eventually(() => expect(fake.records().map(({ event }) => event)).toContain('abort'))
  })

  it('crashes at the call that is asked for, and forgets what it was told', async () => {
    await using directory = await temporaryDirectory()
    const plan = {
      methods: { 'network/create': { crashes: true, fromCall: 2 } },
      has: { networkIds: [newId()], endpoints: [{ networkId: newId(), endpointId: newId() }] },
    }
    await using fake = await FakeDriver.start({ directory: directory.path, plan })
    {
      await using client = await DriverClient.initialized(fake.socketPath)
      await client.call('network/create', { network: sampleNetwork() })
      expect((await client.call('network/list', {})).networkIds).toHaveLength(2)
      const error = await failureOf(client.call('network/create', { network: sampleNetwork() }))
      expect(error.kind).toBe('driverUnavailable')
    }
    expect(await fake.program.exited).toBe('SIGKILL')
    await fake.restart()
    await using client = await DriverClient.initialized(fake.socketPath)
    expect(await client.call('network/list', {})).toEqual({ networkIds: plan.has.networkIds })
    expect(await client.call('endpoint/list', {})).toEqual({ endpoints: plan.has.endpoints })
  })
})
