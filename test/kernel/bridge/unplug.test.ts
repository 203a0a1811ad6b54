import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { deleteNamespace } from '@conet/sdk/linux'
import { describe, expect, it, vi } from 'vitest'
import { LinkDeletions } from '../../../sdk/dist/bridge-network/link-deletions.js'
import { eventually } from '../../support/eventually.ts'
import { BridgeFixture, bridgeNameOf, idOf, network, portNameOf, sh } from './bridge-fixture.ts'

const a = { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] }

const ref = ({ network: { id }, endpointId }: { network: { id: string }; endpointId: string }) => ({
  networkId: id,
  endpointId,
})

describe('unplug', () => {
  it('[C20] takes the interface out of a live sandbox, and may be repeated', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', a)
    for (let attempt = 0; attempt < 2; attempt++) {
      await fixture.driver.unplug({ ...ref(params), sandbox: params.sandbox }, fixture.call())
      expect(fixture.exec('a', 'ip -br link')).not.toContain('eth0')
      expect(sh('ip -br link')).not.toContain(portNameOf(params))
    }
    expect(await fixture.driver.listEndpoints(fixture.call())).toEqual([ref(params)])
    await fixture.plug(params)
    expect(fixture.ping('a', '10.1.0.1')).toBe(true)
  })

  it('succeeds when the sandbox is gone, and for endpoints and networks that never were', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', a)
    fixture.exec('a', 'ip link delete eth0')
    await fixture.driver.unplug(ref(params), fixture.call())
    const unknown = { networkId: idOf('nobody'), endpointId: idOf('nothing') }
    await fixture.driver.unplug(unknown, fixture.call())
    await fixture.driver.deleteEndpoint(unknown, fixture.call())
    await fixture.driver.deleteNetwork(unknown.networkId, fixture.call())
  })

  it('is to be repeated when it has failed, and finds a port then too that somebody has renamed', async () => {
    await using fixture = await BridgeFixture.start()
    const params = await fixture.join(await fixture.create(network('one')), 'a', a)
    sh(`ip link set ${portNameOf(params)} down name foo0`)
    const failing = vi.spyOn(LinkDeletions.prototype, 'delete').mockRejectedValueOnce(new Error('no memory'))
    await expect(fixture.driver.unplug(ref(params), fixture.call())).rejects.toThrow('no memory')
    failing.mockRestore()
    expect(sh('ip -br link')).toContain('foo0')
    await fixture.driver.unplug(ref(params), fixture.call())
    expect(sh('ip -br link')).not.toContain('foo0')
  })

  it('fails while the sandbox of a moved port cannot be opened, and takes the interface out when it can', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    for (const name of ['a', 'elsewhere']) fixture.sandbox(name)
    const path = join(fixture.namespaces.directory, 'link')
    const leadTo = (target: string) => {
      rmSync(path, { force: true })
      symlinkSync(target, path)
    }
    leadTo(fixture.namespaces.path('a'))
    const params = { ...fixture.params(net, 'a', a), sandbox: { id: 'a', path } }
    await fixture.plug(params)
    sh(`ip link set ${portNameOf(params)} netns ${fixture.namespaces.path('elsewhere')}`)
    leadTo('link')
    await expect(fixture.driver.unplug(ref(params), fixture.call())).rejects.toMatchObject({ code: 'ELOOP' })
    leadTo(fixture.namespaces.path('a'))
    await fixture.driver.unplug(ref(params), fixture.call())
    expect(fixture.exec('a', 'ip -br link')).not.toContain('eth0')
    rmSync(path)
  })

  it('deletes a hundred at once, in a few goes, and gives each its answer', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    fixture.sandbox('a')
    const all = await Promise.all(
      Array.from({ length: 100 }, async (_, at) => {
        const wanted = {
          addresses: [`10.1.1.${at}/16`],
          name: `eth${at}`,
          endpoint: `e${at}`,
          defaultRoute: false,
        }
        const params = fixture.params(net, 'a', wanted)
        await fixture.plug(params)
        return params
      }),
    )
    const bystander = await fixture.join(net, 'b', a)
    sh(`ip link delete ${portNameOf(all[50] ?? bystander)}`)
    await Promise.all(all.map((params) => fixture.driver.unplug(ref(params), fixture.call())))
    expect(fixture.exec('a', 'ip -br link').trim().split('\n')).toHaveLength(1)
    expect(fixture.ping('b', '10.1.0.1')).toBe(true)
  })

  it('ends as well what runs when the driver stops', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await Promise.all(
      ['a', 'b', 'c'].map((name, at) => fixture.join(net, name, { addresses: [`10.1.0.${at + 2}/16`] })),
    )
    const unplugs = params.map((each) => fixture.driver.unplug(ref(each), fixture.call()))
    await fixture.driver.stop?.()
    await Promise.all(unplugs)
    expect(sh('ip -br link')).not.toContain('cnv')
    await fixture.startDriver()
  })
})

describe('deleting a network', () => {
  it('takes what is still plugged with it', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', a)
    await fixture.join(net, 'b', { addresses: ['10.1.0.3/16'] })
    await fixture.driver.deleteNetwork(net.id, fixture.call())
    expect(sh('ip -br link; nft list ruleset')).not.toMatch(/cn[bv]/)
    expect(await fixture.driver.listEndpoints(fixture.call())).toEqual([])
  })

  it('takes the table for policies with it, which stays until then, and with the last one the other too', async () => {
    await using fixture = await BridgeFixture.start()
    const tables = () => sh('nft list tables').split('\n').filter(Boolean).toSorted()
    const [one, two] = [
      await fixture.create(network('one')),
      await fixture.create(network('two', { subnets: [] })),
    ]
    fixture.sandbox('a')
    const params = fixture.params(one, 'a', a)
    await fixture.plug({ ...params, policy: { net_out: [{ protocol: 'tcp' }] } })
    await fixture.driver.unplug(ref(params), fixture.call())
    expect(tables()).toEqual(['table inet conet_bridge', 'table inet conet_bridge_policy'])
    await fixture.driver.deleteNetwork(one.id, fixture.call())
    expect(tables()).toEqual(['table inet conet_bridge'])
    await fixture.driver.deleteNetwork(two.id, fixture.call())
    expect(tables()).toEqual([])
  })

  it('takes its elements out of the firewall and leaves those of others', async () => {
    await using fixture = await BridgeFixture.start()
    const one = await fixture.create(network('one'))
    const before = sh('nft list ruleset')
    const two = await fixture.create(
      network('two', { subnets: [], config: { masquerade: false, icc: false } }),
    )
    await fixture.driver.deleteNetwork(two.id, fixture.call())
    expect(sh('nft list ruleset')).toBe(before)
    expect(sh('ip -br link')).toContain(bridgeNameOf(one))
  })

  it('is not held up by a sandbox that dies at the same time', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', a)
    const gone = fixture.namespaces.path('a')
    deleteNamespace(gone)
    await fixture.driver.unplug(ref(params), fixture.call())
    await eventually(() => !sh('ip -br link').includes(portNameOf(params)))
  })
})
