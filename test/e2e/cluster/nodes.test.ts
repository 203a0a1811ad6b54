// Hosts that come and go: who is shown, what stays with one that is away, and what becomes of one that was removed.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addressOf, ClusterFixture, ClusterHost } from '../../support/cluster-fixture.ts'
import { eventually } from '../../support/eventually.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

let cluster: ClusterFixture
let one: ClusterHost
let two: ClusterHost

beforeAll(async () => {
  ;({ cluster, one, two } = await ClusterFixture.ofTwo())
})
afterEach(() => cluster.removeEverything(), 30_000)
afterAll(() => cluster?.[Symbol.asyncDispose]())

const stateOf = async (name: string) => (await one.client.getNode(name)).state

/** The clock of a process that a file moves while it runs. */
function clockOf(file: string): Record<string, string> {
  const folders = readdirSync('/usr/lib').map((name) => join('/usr/lib', name, 'faketime/libfaketime.so.1'))
  const library = folders.find((path) => existsSync(path)) ?? ''
  const monotonic = { FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1' }
  return { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', ...monotonic }
}

/** Waits until the host has kept its sign of life once more. */
async function leaseIsRenewed(node: string): Promise<void> {
  // As text: the number of a lease is larger than those of JSON.
  const found = await cluster.etcd.control('get', `/conet/v1/alive/${node}`, '-w', 'json')
  const lease = BigInt(/"lease":(\d+)/.exec(found)?.[1] ?? 0)
  let least = Number.POSITIVE_INFINITY
  await eventually(
    async () => {
      const text = await cluster.etcd.control('lease', 'timetolive', lease.toString(16))
      const left = Number(/remaining\((-?\d+)s\)/.exec(text)?.[1])
      const isRenewed = left > least
      least = Math.min(least, left)
      expect(isRenewed).toBe(true)
    },
    { timeoutMs: 15_000, everyMs: 200 },
  )
}

describe('the hosts of a cluster', () => {
  it('are listed with what they have, and a network shows the containers of all', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets: [{ subnet: '10.7.0.0/24' }] })
    await two.knows('blue')
    const a = await one.plug('a', 'blue')
    const z = await two.plug('z', 'blue')
    const { nodes } = await one.client.listNodes()
    expect(nodes).toMatchObject([
      {
        name: 'one',
        state: 'alive',
        is_self: true,
        underlay_address: '192.0.2.1',
        networks: 1,
        endpoints: 1,
      },
      {
        name: 'two',
        state: 'alive',
        is_self: false,
        underlay_address: '192.0.2.2',
        networks: 1,
        endpoints: 1,
      },
    ])
    expect((await one.client.getNode('two')).holds).toMatchObject([{ network_name: 'blue', endpoints: 1 }])
    expect(await one.client.getNetwork('blue')).toMatchObject({
      scope: 'global',
      subnets: [{ used: 1, blocks: { one: 1, two: 1 }, used_by_node: { one: 1, two: 1 } }],
      members: [
        { node: 'one', container: 'a', endpoint_id: a.id, addresses: [addressOf(a)] },
        { node: 'two', container: 'z', endpoint_id: z.id, addresses: [addressOf(z)] },
      ],
    })
    expect(await one.conet('node', 'list')).toMatch(/one +alive \(this host\) +192\.0\.2\.1 +1 +1/)
    const store = [cluster.etcd.endpoint]
    expect((await one.client.status()).cluster).toEqual({
      ...{
        node: 'one',
        underlay_address: '192.0.2.1',
        store,
        state: 'joined',
        nodes: 2,
        nodes_alive: 2,
        nodes_away: [],
        behind: 0,
      },
    })
    expect(await one.conet('status')).toMatch(
      /cluster +one, takes part: 2 hosts, all alive; etcd at .* answers\n/,
    )
    const page = await one.conet('net', 'inspect', 'blue')
    expect(page).toMatch(/on other hosts:\n +NODE .*\n +two +z /)
    expect(page).toMatch(/USED +BLOCKS\n.* 2 of \d+ +one 1 \(1 used\), two 1 \(1 used\)\n/)
    await expect(one.client.getNode('three')).rejects.toMatchObject({ kind: 'notFound' })
  })

  it('are not removed while they live; one that is away keeps what it has, also in quarantine', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span' })
    await two.knows('blue')
    await two.plug('z', 'blue')
    for (const remove of ['removeNode', 'fenceNode'] as const)
      await expect(one.client[remove]('two')).rejects.toMatchObject({ kind: 'failedPrecondition' })
    await two.fixture.conetd.stop()
    await eventually(async () => expect(await stateOf('two')).toBe('away'), { timeoutMs: 15_000 })
    await eventually(async () =>
      expect(await one.conet('status')).toMatch(
        /cluster +one, takes part: 2 hosts, 1 alive, 1 away: two; etcd at .* answers\n/,
      ),
    )
    const before = await cluster.keys('blocks/')
    await one.client.removeNode('two')
    expect(await stateOf('two')).toBe('quarantined')
    expect(await cluster.keys('blocks/')).toEqual(before)
    expect(await cluster.keys('members/')).toHaveLength(1)
    await two.fixture.start()
    await eventually(async () => expect(await stateOf('two')).toBe('alive'))
    expect((await two.client.getContainer('z')).endpoints).toMatchObject([{ state: 'plugged' }])
  })

  it('that are removed with --fenced lose what they have, find out when they come back, and begin anew', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets: [{ subnet: '10.7.0.0/24' }] })
    await two.knows('blue')
    const a = await one.plug('a', 'blue')
    const z = await two.plug('z', 'blue')
    await two.run('w')
    const taken = [a, z].map((endpoint) => Math.floor(Number(addressOf(endpoint).split('.')[3]) / 16))
    const inAnotherBlock = `10.7.0.${[3, 4, 5].filter((block) => !taken.includes(block)).map((block) => block * 16 + 5)[0]}`
    await two.client.plug('w', { network: 'blue', addresses: [inAnotherBlock] })
    // In the block of z.
    const ofBlockOfZ = addressOf(z).replace(/\d+$/, (last) => `${(Number(last) & ~15) + 9}`)
    await two.run('y')
    await two.client.plug('y', { network: 'blue', addresses: [ofBlockOfZ] })
    await eventually(() => expect(one.peers()).toHaveLength(3))
    await two.fixture.conetd.stop()
    await eventually(() => one.conet('node', 'rm', 'two', '--fenced'), { timeoutMs: 15_000, everyMs: 200 })
    expect((await one.client.listNodes()).nodes.map(({ name }) => name)).toEqual(['one'])
    expect((await one.client.getNetwork('blue')).subnets).toMatchObject([{ blocks: { one: 1 } }])
    await eventually(() => expect(one.peers()).toEqual([]))
    await one.run('b')
    await one.client.plug('b', { network: 'blue', addresses: [addressOf(z)] })
    await two.fixture.start()
    // What is still nobody's is plugged again; what belongs to others now is not, and is shown.
    const again = { state: 'plugged', interfaces: [{ addresses: [`${inAnotherBlock}/24`] }] }
    await eventually(
      async () => expect((await two.client.getContainer('w')).endpoints).toMatchObject([again]),
      {
        timeoutMs: 15_000,
      },
    )
    // Where nobody has asked for it, it gets another address; what was asked for is not replaced unasked.
    const unplugged = async () =>
      (await two.client.status()).findings.filter(({ code }) => code === 'container-unplugged')
    await eventually(async () =>
      expect((await unplugged()).map(({ message }) => message)).toEqual([
        expect.stringMatching(/^1 container without .*: y in network blue \(.*belongs to node one\)$/),
      ]),
    )
    const [renewed] = (await two.client.getContainer('z')).endpoints
    if (renewed === undefined) throw new Error('z has no endpoint')
    expect([addressOf(z), addressOf(a)]).not.toContain(addressOf(renewed))
    expect(await two.client.getContainer('y')).toMatchObject({ state: 'up', endpoints: [] })
    expect(await two.conet('container', 'inspect', 'y')).toContain('not plugged')
    await two.conet('container', 'up', 'y')
    const [asked] = (await two.client.getContainer('y')).endpoints
    if (asked === undefined) throw new Error('y has no endpoint')
    expect(await unplugged()).toEqual([])
    await eventually(() =>
      expect(
        one
          .peers()
          .map(([, address]) => address)
          .sort(),
      ).toEqual([inAnotherBlock, addressOf(renewed), addressOf(asked)].sort()),
    )
  })

  it('whose containers cannot be plugged again in the moment in which they are back try it again, unasked', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets: [{ subnet: '10.7.0.0/24' }] })
    await two.knows('blue')
    await two.plug('z', 'blue')
    await two.fixture.conetd.stop()
    await eventually(() => one.conet('node', 'rm', 'two', '--fenced'), { timeoutMs: 15_000, everyMs: 200 })
    two.plan({ 'endpoint/create': { error: { kind: 'backendUnavailable', message: 'not yet' } } })
    await two.fixture.start()
    await eventually(async () => expect(await two.conet('status')).toMatch(/z in network blue \(.*not yet/), {
      timeoutMs: 15_000,
    })
    two.plan()
    await eventually(async () =>
      expect((await two.client.getContainer('z')).endpoints).toMatchObject([{ state: 'plugged' }]),
    )
    expect(await two.findings()).not.toContain('container-unplugged')
  })

  it('that come back after a network was deleted say so of its containers, with what gives them another; one of the same name is not mixed up with it', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets: [{ subnet: '10.7.0.0/24' }] })
    await two.knows('blue')
    await two.plug('z', 'blue')
    await two.client.putContainerConfig('never-up', { attach_to: ['blue'] })
    await two.fixture.conetd.stop()
    await eventually(() => one.conet('node', 'rm', 'two', '--fenced'), { timeoutMs: 15_000, everyMs: 200 })
    await one.client.deleteNetwork('blue')
    const { id } = await one.client.createNetwork({ name: 'blue', type: 'span' })
    await two.fixture.start()
    const gone = {
      code: 'container-unplugged',
      message: expect.stringMatching(
        /^2 containers in a network that was deleted in the cluster meanwhile: (z in blue, never-up in blue|never-up in blue, z in blue)$/,
      ),
      help: expect.stringMatching(/^conet container down HANDLE, then conet container create HANDLE/),
    }
    await eventually(
      async () => expect((await two.client.status()).findings).toContainEqual(expect.objectContaining(gone)),
      { timeoutMs: 15_000 },
    )
    await eventually(async () =>
      expect((await two.client.listNetworks()).networks.map((network) => network.id)).toEqual([id]),
    )
    expect(await two.findings()).not.toContain('network-name-ambiguous')
    for (const handle of ['z', 'never-up']) {
      await expect(two.client.up(handle)).rejects.toMatchObject({
        kind: 'notFound',
        help: expect.stringContaining('conet container create'),
      })
      await two.conet('container', 'down', handle)
      await two.conet('container', 'create', handle, '--network', 'blue')
      await two.conet('container', 'up', handle)
    }
    expect(await two.findings()).not.toContain('container-unplugged')
  })

  it('may have clocks that are stepped by an hour, to and fro: what they say is heard, and they stay alive', async () => {
    await using directory = await temporaryDirectory()
    const clock = join(directory.path, 'clock')
    writeFileSync(clock, '+0')
    await one.client.createNetwork({ name: 'blue', type: 'span' })
    await one.plug('a', 'blue')
    const store = `etcd://${cluster.etcd.endpoint}`
    await using three = await ClusterHost.start(store, 'three', 3, { environment: clockOf(clock) })
    await three.plug('z', 'blue')
    for (const step of ['+3600', '-3600']) {
      writeFileSync(clock, step)
      const stepped = await three.client.createNetwork({ name: `at${step.replace('+', '')}`, type: 'span' })
      expect(Math.abs(Date.parse(stepped.created_at) - Date.now() - Number(step) * 1_000)).toBeLessThan(
        60_000,
      )
      const z = await three.plug(`z${step}`, 'blue')
      expect(z.published).toBe(true)
      await eventually(() => expect(one.peers()).toContainEqual([z.id, addressOf(z), '192.0.2.3']))
      await leaseIsRenewed('three')
      expect(await stateOf('three')).toBe('alive')
      expect(await three.findings()).not.toContain('cluster-away')
    }
    await one.removeContainers()
    await three.removeContainers()
  })

  it('take part only while their underlay address is this machine’s, and say so; it may come later', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span' })
    await using four = await ClusterHost.start(`etcd://${cluster.etcd.endpoint}`, 'four', 77)
    const missing = 'the underlay address 192.0.2.77 is on no interface of this machine'
    await eventually(async () => {
      const { findings } = await four.client.status()
      const [first] = findings.filter(({ severity }) => severity === 'error')
      expect(first).toMatchObject({ code: 'underlay-address-missing' })
      expect(first?.message).toContain(`${missing}: this host does not take part`)
    })
    await expect(four.client.createNetwork({ name: 'red', type: 'span' })).rejects.toMatchObject({
      kind: 'clusterUnavailable',
      message: expect.stringContaining(missing),
    })
    await four.knows('blue')
    await expect(four.plug('c', 'blue')).rejects.toMatchObject({
      kind: 'failedPrecondition',
      message: expect.stringContaining(missing),
      details: { underlayAddress: '192.0.2.77' },
    })
    expect((await one.client.listNodes()).nodes.map(({ name }) => name)).not.toContain('four')
    const change = (verb: string) => execFileSync('ip', ['address', verb, '192.0.2.77/32', 'dev', 'lo'])
    change('add')
    try {
      await eventually(
        async () =>
          expect(await four.findings()).not.toEqual(
            expect.arrayContaining([expect.stringMatching(/^cluster-away|^underlay-/)]),
          ),
        {
          timeoutMs: 15_000,
        },
      )
      await four.client.plug('c', { network: 'blue' })
      expect((await one.client.getNode('four')).state).toBe('alive')
    } finally {
      await four.removeContainers()
      change('del')
    }
  })

  it('that take part under another name are told which one to remove', async () => {
    const five = await ClusterHost.start(`etcd://${cluster.etcd.endpoint}`, 'five', 5)
    try {
      await eventually(async () => expect(await stateOf('five')).toBe('alive'), { timeoutMs: 15_000 })
      await five.fixture.conetd.stop()
      const config = join(five.fixture.directory, 'config.json')
      writeFileSync(config, readFileSync(config, 'utf8').replace('"five"', '"six"'))
      await five.fixture.start()
      const former = {
        code: 'cluster-former-name',
        help: expect.stringMatching(/^conet node rm five --fenced/),
      }
      await eventually(async () => {
        const { findings } = await five.client.status()
        expect(findings).toContainEqual(expect.objectContaining(former))
        expect(findings.map(({ code }) => code)).not.toContain('underlay-address-unfit')
      })
      await eventually(() => five.conet('node', 'rm', 'five', '--fenced'), {
        timeoutMs: 15_000,
        everyMs: 200,
      })
      await eventually(async () => expect(await stateOf('six')).toBe('alive'), { timeoutMs: 15_000 })
      await eventually(async () => expect(await five.findings()).not.toContain('cluster-former-name'))
      // What is left for the machine is there until it has looked: it would stay if the machine ended before.
      await eventually(async () => expect(await cluster.keys('removed/')).toEqual([]), { timeoutMs: 15_000 })
    } finally {
      await five[Symbol.asyncDispose]()
    }
  })

  it('keep their name: another machine that takes part under it is refused, and says so', async () => {
    const store = `etcd://${cluster.etcd.endpoint}`
    const counts = () => cluster.keys('progress/')
    // Those of both hosts, and of those that were here before.
    await eventually(async () => expect((await counts()).length).toBeGreaterThan(1), { timeoutMs: 15_000 })
    const before = await counts()
    const other = await ClusterHost.start(store, 'one', 9)
    try {
      await eventually(async () => {
        const { findings } = await other.client.status()
        expect(findings.map(({ code }) => code)).toContain('cluster-name-taken')
      })
      await expect(other.client.createNetwork({ name: 'blue', type: 'span' })).rejects.toMatchObject({
        kind: 'conflict',
      })
      expect((await one.client.getNode('one')).underlay_address).toBe('192.0.2.1')
    } finally {
      await other[Symbol.asyncDispose]()
    }
    // It counts for the last time when it ends.
    expect(await counts()).toEqual(before)
  })
})
