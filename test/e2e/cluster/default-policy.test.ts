// The default policy of a network of the cluster is one for all hosts: changed on one of them, it reaches the containers
// of all.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ClusterFixture, type ClusterHost } from '../../support/cluster-fixture.ts'
import { eventually } from '../../support/eventually.ts'

let cluster: ClusterFixture
let one: ClusterHost
let two: ClusterHost

beforeAll(async () => {
  ;({ cluster, one, two } = await ClusterFixture.ofTwo())
})
afterEach(async () => {
  for (const host of cluster.hosts) host.plan()
  await cluster.removeEverything()
})
afterAll(() => cluster?.[Symbol.asyncDispose]())

const patience = { timeoutMs: 20_000 }
const former = { rate: 1 }
const next = { rate: 2 }

/** A container on each host: a and b. */
async function prepare(): Promise<void> {
  const subnets = [{ subnet: '10.7.0.0/24' }]
  await one.client.createNetwork({ name: 'blue', type: 'span', subnets, default_policy: former })
  await two.knows('blue')
  await one.plug('a', 'blue')
  await two.plug('b', 'blue')
}

async function effective(host: ClusterHost, handle: string): Promise<unknown> {
  return (await host.client.getContainerPolicy(handle)).effective.blue
}

const inForce = (policy: object) => ({ source: 'default', policy, state: 'in_force', mapped_ports: [] })

/** What its driver was last told of the container. */
function told(host: ClusterHost, handle: string): object | undefined {
  const all = host.driver
    .records()
    .filter(({ event }) => event === 'end')
    .map((record) => record.params as { container?: { handle: string }; policy?: object })
  return all.filter(({ container }) => container?.handle === handle).at(-1)?.policy
}

/** In force, at the driver, and what the next container gets. */
async function expectEverywhere(policy: object): Promise<void> {
  for (const [host, handle] of [
    [one, 'a'],
    [two, 'b'],
  ] as const)
    await eventually(async () => {
      expect((await host.client.getNetwork('blue')).default_policy).toEqual(policy)
      expect(await effective(host, handle)).toMatchObject(inForce(policy))
      expect(told(host, handle)).toEqual(policy)
    }, patience)
}

describe('a default policy of a network of the cluster', () => {
  it('[B18] reaches the containers of all hosts that have none of their own, now and later', async () => {
    await prepare()
    await two.run('own')
    await two.client.plug('own', { network: 'blue' })
    await two.client.putContainerPolicy('own', { networks: { blue: { rate: 7 } } })
    const view = await one.client.putDefaultPolicy('blue', next)
    expect(view.default_policy).toEqual(next)
    expect(told(one, 'a')).toEqual(next)
    await expectEverywhere(next)
    expect(told(two, 'own')).toEqual({ rate: 7 })
    await two.plug('late', 'blue')
    expect(told(two, 'late')).toEqual(next)
    // The same again changes nothing, and none is none on all hosts.
    const calls = two.served('endpoint/policy').length
    await one.client.putDefaultPolicy('blue', next)
    expect(await two.client.putDefaultPolicy('blue', null)).not.toHaveProperty('default_policy')
    await eventually(() => expect(told(one, 'a')).toBe(undefined), patience)
    expect(await effective(one, 'a')).toMatchObject({ source: 'none' })
    expect(two.served('endpoint/policy').length).toBe(calls + 2)
  })

  it('is the same on all hosts after two of them have changed it at once', async () => {
    await prepare()
    const rates = [3, 4, 5, 6]
    await Promise.all(
      rates.map((rate, at) => (at % 2 === 0 ? one : two).client.putDefaultPolicy('blue', { rate })),
    )
    const policy = await eventually(async () => {
      const [first, second] = await Promise.all([one, two].map(({ client }) => client.getNetwork('blue')))
      expect(first?.default_policy).toEqual(second?.default_policy)
      return first?.default_policy
    }, patience)
    expect(rates).toContain(policy?.rate)
    await expectEverywhere(policy ?? {})
  })

  it('is what it was when the host that was asked cannot put it in force, or the document is wrong', async () => {
    await prepare()
    one.plan({ 'endpoint/policy': { error: { kind: 'invalidArgument', message: 'not so' } } })
    await expect(one.client.putDefaultPolicy('blue', next)).rejects.toMatchObject({ kind: 'invalidArgument' })
    one.plan()
    await expect(one.client.putDefaultPolicy('blue', { rate: 'fast' })).rejects.toMatchObject({
      fields: [expect.objectContaining({ path: 'default_policy.rate' })],
    })
    await expectEverywhere(former)
  })

  it('is shown as not in force on a host whose driver refuses it, and tried again there', async () => {
    await prepare()
    // The second is what a repair comes by.
    const error = { kind: 'failedPrecondition', message: 'not here' }
    two.plan({ 'endpoint/policy': { error }, 'endpoint/plug': { error } })
    await one.client.putDefaultPolicy('blue', next)
    await eventually(async () => {
      const { endpoints } = await two.client.getContainer('b')
      expect(endpoints[0]?.last_error).toContain('its policy cannot be put in force')
    }, patience)
    expect(await two.findings()).toContain('endpoint-in-trouble')
    two.plan()
    await expectEverywhere(next)
    await eventually(async () => {
      const { endpoints } = await two.client.getContainer('b')
      expect(endpoints[0]).not.toHaveProperty('last_error')
    }, patience)
  })
})

describe('while something is away', () => {
  it('it cannot be changed without the store, and nothing is half done; a host that was away learns of it', async () => {
    await prepare()
    const calls = one.served('endpoint/policy').length
    await cluster.etcd.stop('SIGKILL')
    await expect(one.client.putDefaultPolicy('blue', next)).rejects.toMatchObject({
      kind: 'clusterUnavailable',
    })
    await expectEverywhere(former)
    expect(one.served('endpoint/policy').length).toBe(calls)
    await cluster.etcd.start()
    await two.fixture.kill()
    await eventually(() => one.client.putDefaultPolicy('blue', next), patience)
    await two.fixture.start()
    await expectEverywhere(next)
  })

  it('a host that dies between the store and its record finds the new one when it starts', async () => {
    await prepare()
    two.fixture.arm('conetd', 'host:policy:before-default')
    await expect(two.client.putDefaultPolicy('blue', next)).rejects.toMatchObject({ kind: 'hostUnavailable' })
    await two.fixture.conetd.stop('SIGKILL')
    two.fixture.arm('conetd')
    await two.fixture.start()
    await expectEverywhere(next)
  })

  it('a store that is restored from before the change gets it back', async () => {
    await prepare()
    await cluster.etcd.backUp()
    // So that what the hosts write as they come back does not take the copy past what they have seen, which they note for later
    // but twice a minute.
    await cluster.etcd.writeOtherThings(100)
    await eventually(() => one.client.putDefaultPolicy('blue', next), patience)
    await expectEverywhere(next)
    await cluster.etcd.restore()
    await eventually(async () => {
      const record = await cluster.etcd.control(
        'get',
        '--prefix',
        '/conet/v1/networks/',
        '--print-value-only',
      )
      expect(record).toContain('"rate":2')
    }, patience)
    await expectEverywhere(next)
    await eventually(() => two.client.putDefaultPolicy('blue', { rate: 3 }), patience)
    await expectEverywhere({ rate: 3 })
  })
})
