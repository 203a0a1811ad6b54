// Days on which etcd is away: what runs goes on, what needs the store fails fast and says so, and all is caught up.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addressOf, ClusterFixture, type ClusterHost } from '../../support/cluster-fixture.ts'
import { eventually } from '../../support/eventually.ts'

let cluster: ClusterFixture
let one: ClusterHost
let two: ClusterHost

beforeAll(async () => {
  ;({ cluster, one, two } = await ClusterFixture.ofTwo())
})
afterEach(() => cluster.removeEverything(), 30_000)
afterAll(() => cluster?.[Symbol.asyncDispose]())

const patience = { timeoutMs: 20_000 }

describe('while the store of the cluster is away', () => {
  it('plugs go on from the blocks of the host, and say that other hosts do not know yet', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets: [{ subnet: '10.7.0.0/24' }] })
    await two.knows('blue')
    const apart = { a: '10.7.0.20', c: '10.7.0.100', d: '10.7.0.200' }
    for (const [handle, address] of Object.entries(apart)) {
      await one.run(handle)
      await one.client.plug(handle, { network: 'blue', addresses: [address] })
    }
    await cluster.etcd.stop('SIGKILL')
    await one.run('b')
    const began = performance.now()
    const b = await one.client.plug('b', { network: 'blue' })
    expect(performance.now() - began).toBeLessThan(2_000)
    expect(b.published).toBe(false)
    await eventually(async () => expect((await one.client.status()).cluster?.state).toBe('away'), {
      timeoutMs: 20_000,
    })
    expect(await one.conet('status')).toMatch(/cluster +one, has no part now: etcd at /)
    const page = await one.conet('net', 'inspect', 'blue')
    expect(page).toMatch(/ b .* plugged, not published\n/)
    expect(page).toContain('on other hosts: not known now')
    expect(page).toMatch(/USED HERE\n.* 4 of /)
    await two.run('z')
    await expect(two.client.plug('z', { network: 'blue' })).rejects.toMatchObject({
      kind: 'clusterUnavailable',
    })
    const macAddress = '02:00:00:00:00:01'
    await expect(
      one.client.plug('b', { network: 'blue', name: 'two', mac_address: macAddress }),
    ).rejects.toMatchObject({
      kind: 'clusterUnavailable',
      message: expect.stringMatching(
        /(reserve MAC 02:00:00:00:00:01 in network blue|write MAC 02:00:00:00:00:01 of network \S+ in the shared store): /,
      ),
    })
    await expect(one.client.createNetwork({ name: 'red', type: 'span' })).rejects.toMatchObject({
      kind: 'clusterUnavailable',
      message: expect.not.stringContaining('/conet/'),
    })
    for (const handle of Object.keys(apart)) await one.client.deleteContainer(handle)
    await cluster.etcd.start()
    await eventually(
      async () => expect((await one.client.getContainer('b')).endpoints).toMatchObject([{ published: true }]),
      patience,
    )
    await eventually(() => two.client.plug('z', { network: 'blue' }), patience)
    // Of the two blocks that its containers have left meanwhile one host keeps one for the next.
    await eventually(async () => expect(await cluster.keys('blocks/')).toHaveLength(3), patience)
    await eventually(() => expect(two.peers()).toEqual([[b.id, addressOf(b), '192.0.2.1']]), patience)
    expect((await one.client.listNetworks()).networks.map(({ name }) => name)).toEqual(['blue'])
  })

  it('a host that starts knows its networks, and hands out addresses of its blocks', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets: [{ subnet: '10.7.0.0/24' }] })
    const a = await one.plug('a', 'blue')
    await two.knows('blue')
    const gone = await two.client.createNetwork({ name: 'gone', type: 'span' })
    await one.knows('gone')
    await one.fixture.kill()
    await two.client.deleteNetwork('gone')
    const late = await two.client.createNetwork({ name: 'late', type: 'span' })
    await cluster.etcd.stop('SIGKILL')
    await one.fixture.start()
    const { networks } = await one.client.listNetworks()
    expect(networks.map(({ name }) => name).sort()).toEqual(['blue', 'gone'])
    const b = await one.plug('b', 'blue')
    expect(b.published).toBe(false)
    expect(new Set([addressOf(a), addressOf(b)]).size).toBe(2)
    await cluster.etcd.start()
    expect((await one.knows('late')).id).toBe(late.id)
    await eventually(
      async () => await expect(one.client.getNetwork(gone.id)).rejects.toMatchObject({ kind: 'notFound' }),
      patience,
    )
    await eventually(async () => expect(await cluster.keys('members/')).toHaveLength(2), patience)
  })

  it('a host that is killed and comes back loses none of its endpoints, and others keep them meanwhile', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span' })
    await two.knows('blue')
    const a = await one.plug('a', 'blue')
    await two.plug('z', 'blue')
    await eventually(() => expect(two.peers()).toEqual([[a.id, addressOf(a), '192.0.2.1']]))
    await one.fixture.kill()
    expect(await cluster.keys('members/')).toHaveLength(2)
    const before = await cluster.keys('blocks/')
    await one.fixture.start()
    await eventually(
      async () => expect((await one.client.getContainer('a')).endpoints).toMatchObject([{ published: true }]),
      patience,
    )
    expect(await cluster.keys('blocks/')).toEqual(before)
    expect(two.peers()).toEqual([[a.id, addressOf(a), '192.0.2.1']])
  })
})
