import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { apiPicture, expectAgreement } from '../support/agreement.ts'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import type { FakeDriver } from '../support/fake-driver.ts'

const callMs = 2_000

let fixture: ConetdFixture
let fake: FakeDriver

beforeAll(async () => {
  fixture = await ConetdFixture.start({
    drivers: ['null'],
    config: { timeouts: { driver_call_ms: callMs } },
  })
  fake = await fixture.startFakeDriver()
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

beforeEach(async () => {
  await fixture.client.createNetwork({ name: 'odd', type: 'fake', subnets: [{ subnet: '10.71.0.0/24' }] })
  for (const handle of ['stuck', 'other']) {
    await fixture.client.putContainerConfig(handle, { attach_to: [] })
    await fixture.client.up(handle)
  }
})

/** Every driver answers again, so that everything can be removed. */
afterEach(async () => {
  fake.plan({})
  if (fake.program.process.signalCode !== null) await fake.restart()
  await fixture.driversReady()
  await fixture.removeEverything()
})

const plug = (handle: string, network = 'odd') => fixture.client.plug(handle, { network })

async function timed(work: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work
  return performance.now() - start
}

async function usedOf(network: string): Promise<number | undefined> {
  return (await fixture.client.getNetwork(network)).subnets[0]?.used
}

const onlyStuck = '"handle":"stuck"'

describe('a driver that never answers', () => {
  it('costs that plug its deadline, and no other call anything', async () => {
    await fixture.client.createNetwork({ name: 'even', type: 'null' })
    fake.plan({ methods: { 'endpoint/plug': { hangs: true, only: onlyStuck } } })
    const stuck = timed(expect(plug('stuck')).rejects.toMatchObject({ kind: 'deadlineExceeded' }))
    await eventually(() => fake.calls().includes('endpoint/plug'))
    const others = [
      plug('other'),
      plug('other', 'even'),
      fixture.client.createNetwork({ name: 'new', type: 'fake' }),
    ]
    // Whoever waited for the one that hangs would end after it.
    const first = await Promise.race([Promise.all(others).then(() => 'others'), stuck.then(() => 'stuck')])
    expect(first).toBe('others')
    expect(await stuck).toBeLessThan(callMs * 3)
    await fixture.settled()
    expect(await usedOf('odd')).toBe(1)
    await expectAgreement(fixture)
    fake.plan({})
    expect(await plug('stuck')).toMatchObject({ state: 'plugged' })
  })

  it('keeps the address of what it may still hold until it has confirmed that it is gone', async () => {
    fake.plan({ methods: { 'endpoint/plug': { hangs: true, ignoresAbort: true, only: onlyStuck } } })
    await expect(plug('stuck')).rejects.toMatchObject({ kind: 'deadlineExceeded' })
    const { endpoints, attachments } = await fixture.client.getContainer('stuck')
    expect(endpoints).toMatchObject([{ state: 'deleting', last_error: expect.any(String) }])
    expect(attachments).toEqual([])
    expect(await usedOf('odd')).toBe(1)
    const [address = ''] = endpoints[0]?.interfaces[0]?.addresses ?? []
    const wanted = { network: 'odd', addresses: [address.replace('/24', '')] }
    await expect(fixture.client.plug('other', wanted)).rejects.toMatchObject({ kind: 'addressInUse' })
    await fake.program.end('SIGKILL')
    fake.plan({})
    await fake.restart()
    await fixture.settled()
    expect(await usedOf('odd')).toBe(0)
    expect(await fixture.client.plug('other', wanted)).toMatchObject({ state: 'plugged' })
  })

  it('costs the creation of a network its deadline; the network goes, and can be made again', async () => {
    const body = { name: 'slow', type: 'fake', subnets: [{ subnet: '10.72.0.0/24' }] }
    fake.plan({ methods: { 'network/create': { hangs: true } } })
    const took = await timed(
      expect(fixture.client.createNetwork(body)).rejects.toMatchObject({ kind: 'deadlineExceeded' }),
    )
    expect(took).toBeLessThan(callMs * 2)
    fake.plan({})
    await fixture.settled()
    expect(await fixture.client.createNetwork(body)).toMatchObject({ state: 'active' })
  })
})

it('a driver killed in the midst of a plug: the call fails with a code, nothing is left, the next try works', async () => {
  fake.plan({ methods: { 'endpoint/plug': { hangs: true, toCall: 1 } } })
  const before = await apiPicture(fixture)
  const failed = expect(plug('stuck')).rejects.toMatchObject({ kind: 'driverUnavailable', retryable: true })
  await eventually(() => fake.calls().includes('endpoint/plug'))
  await fake.program.end('SIGKILL')
  await failed
  fake.plan({})
  await fake.restart()
  await fixture.driversReady()
  await fixture.settled()
  expect(await apiPicture(fixture)).toEqual(before)
  expect(await plug('stuck')).toMatchObject({ state: 'plugged' })
  expect(await usedOf('odd')).toBe(1)
})

describe('what is removed while its driver is away is finished when it is back, and never before', () => {
  const removals: Record<string, (endpoint: string) => Promise<{ state: string }>> = {
    unplug: (endpoint) => fixture.client.unplug({ handle: 'stuck', endpoint }),
    down: () => fixture.client.down('stuck'),
    'remove a container': () => fixture.client.deleteContainer('stuck'),
  }

  it.each(Object.keys(removals))('%s', async (name) => {
    const { id } = await plug('stuck')
    await fake.program.end('SIGKILL')
    await eventually(async () =>
      expect((await fixture.client.getNetwork('odd')).driver_state).not.toBe('ready'),
    )
    const before = fake.calls().length
    expect(await removals[name]?.(id)).toEqual({ state: 'deleting' })
    expect(await usedOf('odd')).toBe(1)
    await fixture.restart()
    expect(await usedOf('odd')).toBe(1)
    await fake.restart()
    await fixture.settled()
    expect(fake.calls().slice(before)).toContain('endpoint/delete')
    expect(await usedOf('odd')).toBe(0)
    await expectAgreement(fixture)
  })

  it('delete a network', async () => {
    await fake.program.end('SIGKILL')
    await eventually(async () =>
      expect((await fixture.client.getNetwork('odd')).driver_state).not.toBe('ready'),
    )
    expect(await fixture.client.deleteNetwork('odd')).toEqual({ state: 'deleting' })
    const wish = { attach_to: ['odd'] }
    const refused = { kind: 'failedPrecondition' }
    await expect(fixture.client.putContainerConfig('third', wish)).rejects.toMatchObject(refused)
    expect((await fixture.client.getNetwork('odd')).state).toBe('deleting')
    await fake.restart()
    await fixture.settled()
    expect(fake.calls()).toContain('network/delete')
    await expect(fixture.client.getNetwork('odd')).rejects.toMatchObject({ kind: 'notFound' })
  })

  it('delete a network whose last endpoint was of a container that is gone: both are shown until they are', async () => {
    const { client } = fixture
    const { id } = await plug('stuck')
    await plug('other')
    const before = fake.calls().length
    await fake.program.end('SIGKILL')
    await eventually(async () => expect((await client.getNetwork('odd')).driver_state).not.toBe('ready'))
    expect(await client.deleteContainer('stuck')).toEqual({ state: 'deleting' })
    const refusal = { kind: 'inUse', message: 'delete network odd: it is used by other' }
    await expect(client.deleteNetwork('odd')).rejects.toMatchObject(refusal)
    await client.deleteContainer('other')
    expect(await client.deleteNetwork('odd')).toEqual({ state: 'deleting' })
    const pending = { endpoint_id: id, container: 'stuck', since: expect.stringMatching(/^20.*Z$/) }
    expect(await client.getNetwork('odd')).toMatchObject({
      ...{ state: 'deleting', containers: [] },
      pending_removals: expect.arrayContaining([expect.objectContaining(pending)]),
    })
    const { findings } = await client.status()
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'deletions-pending',
        message: expect.stringMatching(
          /^3 deletions wait for driver fake .*of container stuck in network odd/,
        ),
      }),
    )
    expect(findings.map(({ code }) => code)).not.toContain('endpoint-in-trouble')
    await fixture.restart()
    await fake.restart()
    await fixture.settled()
    await expect(client.getNetwork('odd')).rejects.toMatchObject({ kind: 'notFound' })
    const ends = fake
      .calls()
      .slice(before)
      .filter((method) => method.endsWith('/delete'))
    expect(ends).toEqual(['endpoint/delete', 'endpoint/delete', 'network/delete'])
  })
})

it('what a driver could not make at its sync is tried again without a new connection, until it is as it should be', async () => {
  const { client } = fixture
  const { id } = await plug('stuck')
  await plug('other')
  await fake.program.end('SIGKILL')
  const refused = { error: { kind: 'backendUnavailable', message: 'the controller is away' }, toCall: 3 }
  fake.plan({ methods: { 'endpoint/plug': { ...refused, only: onlyStuck } } })
  await fake.restart()
  await fixture.driversReady()
  const inTrouble = async () =>
    (await client.status()).findings.filter(({ code }) => code === 'endpoint-in-trouble')
  await eventually(async () =>
    expect(await inTrouble()).toMatchObject([{ message: expect.stringContaining('away') }]),
  )
  await eventually(async () => expect(await inTrouble()).toEqual([]), { timeoutMs: 15_000 })
  const tries = fake.records().filter(({ operationId }) => operationId === `repair-${id}`)
  expect(tries.map(({ event, method, attempt }) => [event, method, attempt])).toEqual(
    expect.arrayContaining([
      ['fail', 'endpoint/plug', 1],
      ['end', 'endpoint/plug', 2],
    ]),
  )
  expect((await client.getDriver('fake')).attempts).toBeLessThan(10)
})

it('a driver that lost everything is told all of it again', async () => {
  await plug('stuck')
  await fixture.client.putContainerConfig('later', { attach_to: [] })
  await plug('later')
  const before = fake.calls().length
  await fake.program.end('SIGKILL')
  await fake.restart()
  await fixture.driversReady()
  const calls = fake.calls().slice(before).sort()
  expect(calls.filter((method) => /^(network|endpoint)/.test(method))).toEqual([
    'endpoint/create',
    'endpoint/create',
    'endpoint/list',
    'endpoint/plug',
    // The endpoint that is only created may have been left in a sandbox.
    'endpoint/unplug',
    'network/create',
    'network/list',
  ])
})

describe('what a driver has and nobody wants', () => {
  const idOf = (text: string) => createHash('sha256').update(text).digest('hex')
  const has = {
    networkIds: [idOf('network')],
    endpoints: [{ networkId: idOf('network'), endpointId: idOf('endpoint') }],
  }

  it('is removed when it connects', async () => {
    await fake.program.end('SIGKILL')
    fake.plan({ has })
    const before = fake.calls().length
    await fake.restart()
    await fixture.driversReady()
    const calls = fake.calls().slice(before)
    expect(calls.slice(-3)).toEqual(['endpoint/unplug', 'endpoint/delete', 'network/delete'])
  })

  it('does not keep the driver from its networks when it cannot be removed', async () => {
    await fake.program.end('SIGKILL')
    const busy = { error: { kind: 'backendUnavailable', message: 'busy' } }
    fake.plan({ has, methods: { 'endpoint/delete': { ...busy, only: idOf('endpoint') } } })
    await fake.restart()
    await fixture.driversReady()
    expect(await plug('stuck')).toMatchObject({ state: 'plugged' })
  })
})

describe('a driver that fails at a plug: its error is told, and everything is as before', () => {
  it.each([
    [{ error: { kind: 'backendUnavailable', message: 'the fabric is down' } }, 'backendUnavailable'],
    [{ errno: 17 }, 'kernelRefused'],
    [{ bug: 'undefined is not a function' }, 'internal'],
    [{ result: { interfaces: 'none' } }, 'internal'],
  ])('%j is %s', async (behaviour, kind) => {
    for (const method of ['endpoint/plug', 'endpoint/create']) {
      if ('result' in behaviour && method === 'endpoint/create') continue
      fake.plan({ methods: { [method]: behaviour } })
      const before = await apiPicture(fixture)
      await expect(plug('stuck')).rejects.toMatchObject({ kind })
      await fixture.client.putContainerConfig('fresh', { attach_to: ['odd'] })
      await expect(fixture.client.up('fresh')).rejects.toMatchObject({ kind })
      await fixture.client.deleteContainer('fresh')
      await fixture.settled()
      expect(await apiPicture(fixture)).toEqual(before)
      await expectAgreement(fixture)
    }
  })
})

describe('a container that comes up while the endpoint of its last life waits for its end', () => {
  const refused = { error: { kind: 'backendUnavailable', message: 'busy' } }

  beforeEach(async () => {
    await fixture.client.putContainerConfig('again', { attach_to: ['odd'] })
    await fixture.client.up('again')
  })

  it('has its interface name', async () => {
    const { client } = fixture
    fake.plan({ methods: { 'endpoint/delete': refused } })
    await expect(client.down('again')).rejects.toMatchObject({ kind: 'backendUnavailable' })
    const { endpoints } = await client.up('again')
    expect(endpoints.map(({ state, interfaces }) => [state, interfaces[0]?.name])).toEqual([
      ['deleting', 'eth0'],
      ['plugged', 'eth0'],
    ])
    fake.plan({})
    await fixture.settled()
    expect((await client.getContainer('again')).endpoints).toMatchObject([{ state: 'plugged' }])
  })

  it('is plugged after that end, also where its driver is back so late that only the plug would have waited', async () => {
    const { client } = fixture
    await fake.program.end('SIGKILL')
    expect(await client.down('again')).toEqual({ state: 'deleting' })
    // conetd waits 5 s for a driver that is coming.
    fake.plan({ methods: { 'network/list': { delayMs: 6_500 } } })
    const before = fake.calls().length
    await fake.restart()
    await eventually(() => fake.calls().slice(before).includes('network/list'))
    expect((await client.up('again')).endpoints).toMatchObject([{ state: 'plugged' }])
  })

  it('hears of that endpoint where its driver is away', async () => {
    const { client } = fixture
    const [{ id } = { id: '' }] = (await client.getContainer('again')).endpoints
    await fake.program.end('SIGKILL')
    expect(await client.down('again')).toEqual({ state: 'deleting' })
    await expect(client.up('again')).rejects.toMatchObject({
      kind: 'driverUnavailable',
      retryable: true,
      message: expect.stringContaining(id),
    })
    expect(await client.getContainer('again')).toMatchObject({ state: 'down' })
  })

  it('is told to try again where that endpoint may be in its way', async () => {
    const { client } = fixture
    const inTheWay = { error: { kind: 'conflict', message: 'the sandbox has a route to 0.0.0.0/0 already' } }
    fake.plan({ methods: { 'endpoint/delete': refused, 'endpoint/plug': inTheWay } })
    const [{ id } = { id: '' }] = (await client.getContainer('again')).endpoints
    await expect(client.down('again')).rejects.toMatchObject({ kind: 'backendUnavailable' })
    await expect(client.up('again')).rejects.toMatchObject({
      kind: 'operationPending',
      retryable: true,
      message: expect.stringContaining(id),
    })
    fake.plan({})
    expect((await client.up('again')).endpoints).toMatchObject([{ state: 'plugged' }])
  })

  it('is refused for good what somebody else has there', async () => {
    fake.plan({ methods: { 'endpoint/plug': { error: { kind: 'conflict', message: 'there is an eth0' } } } })
    await fixture.client.down('again')
    await expect(fixture.client.up('again')).rejects.toMatchObject({ kind: 'conflict', retryable: false })
  })
})
