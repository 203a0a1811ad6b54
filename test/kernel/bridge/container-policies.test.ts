import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { ApartScene, addressOf, allow, apart, setBridgeFiltering } from './apart-scene.ts'
import { bridgeNameOf, network, sh } from './bridge-fixture.ts'

const refused = 'failed: ECONNREFUSED'
const families = [4, 6] as const

let scene: ApartScene

beforeAll(async () => {
  scene = await ApartScene.start()
})

afterEach(async () => {
  setBridgeFiltering(0)
  await scene.reset()
})

afterAll(async () => {
  await scene?.[Symbol.asyncDispose]()
})

const pairs = () =>
  sh('nft list table inet conet_bridge_policy').match(/\d+ \. \S+ \. (tcp|udp) \. \d+/g) ?? []
const bridge = bridgeNameOf(apart)
const flowsTo = (name: 'till') => sh(`grep 'dst=${addressOf(name)} ' /proc/net/nf_conntrack || true`)

describe('a policy from container to container', () => {
  it.each([0, 1] as const)(
    '[B23] opens one protocol and port from one to the other, in both families, with bridge-nf-call-iptables %i',
    async (value) => {
      setBridgeFiltering(value)
      await scene.say(
        'till',
        allow('shop', 'till'),
        allow('shop', 'till', { protocol: 'udp', ports: { start: 50, end: 60 } }),
      )
      for (const family of families) {
        expect(await scene.tcp('shop', 'till', { family })).toBe(`till sees ${addressOf('shop', family)}`)
        expect(await scene.udp('shop', 'till', { family })).toBe(`till sees ${addressOf('shop', family)}`)
        // Another port, the other direction, somebody else.
        expect(await scene.tcp('shop', 'till', { family, port: 81 })).toBe(refused)
        expect(await scene.tcp('till', 'shop', { family })).toBe(refused)
        expect(await scene.udp('till', 'shop', { family })).toMatch(/^failed/)
        expect(await scene.tcp('thief', 'till', { family })).toMatch(/^failed/)
        expect(await scene.udp('thief', 'till', { family })).toMatch(/^failed/)
      }
    },
  )

  it('tells no member that the other is on its own link, where nothing leads', async () => {
    await scene.say('till', allow('shop', 'till'))
    for (const family of families) expect(await scene.tcp('shop', 'till', { family })).toContain('till')
    const heard = scene.fixture.exec(
      'shop',
      `awk '/^Icmp:/ { if (!n++) { for (i = 2; i <= NF; i++) name[i] = $i } else for (i = 2; i <= NF; i++) if (name[i] == "InRedirects") print $i }' /proc/net/snmp
       awk '$1 == "Icmp6InRedirects" { print $2 }' /proc/net/snmp6`,
    )
    expect(heard).toBe('0\n0\n')
  })

  it('is in any member’s document, and that of all counts', async () => {
    await scene.say('thief', allow('shop', 'till'))
    await scene.say('shop', allow('till', 'shop'))
    expect(await scene.tcp('shop', 'till')).toContain('till')
    expect(await scene.tcp('till', 'shop')).toContain('shop')
    await scene.say('thief')
    expect(await scene.tcp('shop', 'till')).toBe(refused)
    expect(await scene.tcp('till', 'shop')).toContain('shop')
  })

  it('means containers by their group too', async () => {
    const { fixture, members } = scene
    const config = { properties: { policy_group_id: 'front' } }
    const inGroup = (name: 'shop' | 'thief', container: object) => ({
      ...members[name],
      container: { ...members[name].container, ...container },
    })
    await fixture.plug(inGroup('shop', { config }))
    await fixture.plug({ ...inGroup('thief', { labels: { app_id: 'front' } }) })
    await scene.say('till', allow('front', 'till'))
    expect(await scene.tcp('shop', 'till')).toContain('till')
    expect(await scene.tcp('thief', 'till', { family: 6 })).toContain('till')
    expect(await scene.tcp('shop', 'thief')).toBe(refused)
  })

  it('waits for those who are not there', async () => {
    await scene.unplug('till')
    await scene.say('shop', allow('shop', 'till'), allow('nobody', 'till'))
    expect(await scene.tcp('shop', 'till')).toMatch(/^failed/)
    await scene.fixture.plug(scene.members.till)
    expect(await scene.tcp('shop', 'till')).toContain('till')
    expect(await scene.tcp('shop', 'till', { family: 6 })).toContain('till')
  })

  it('ends what it allowed when it is taken away, and nothing else', async () => {
    await scene.say('till', allow('shop', 'till', { ports: { start: 80, end: 81 } }))
    const { shop } = scene.peers
    expect(await shop.tcp({ address: addressOf('till'), port: 80, keep: 'kept' })).toContain('till')
    expect(await shop.tcp({ address: addressOf('till', 6), port: 81, keep: 'cut' })).toContain('till')
    await scene.say('till', allow('shop', 'till'))
    expect(await shop.echo('kept')).toBe('again')
    await eventually(async () => expect(await shop.echo('cut')).toBe('failed: closed'))
    await scene.say('till')
    await eventually(async () => expect(await shop.echo('kept')).toBe('failed: closed'))
    expect(flowsTo('till')).not.toContain('dport=80 ')
  })

  it('goes on over a restart of the driver, and what nobody says again goes', async () => {
    const { fixture, members } = scene
    const said = { policies: [allow('shop', 'till')] }
    await scene.say('till', allow('shop', 'till'), allow('thief', 'till'))
    expect(await scene.peers.shop.tcp({ address: addressOf('till'), port: 80, keep: 'long' })).toContain(
      'till',
    )
    await fixture.restartDriver()
    fixture.repaired.length = 0
    expect(await scene.tcp('thief', 'till')).toContain('till')
    await fixture.create(apart)
    await fixture.plug(members.shop)
    expect(await scene.tcp('shop', 'till', { family: 6 })).toContain('till')
    await fixture.plug({ ...members.till, policy: said })
    await fixture.plug(members.thief)
    expect(fixture.repaired).toEqual([])
    expect(await scene.peers.shop.echo('long')).toBe('again')
    expect(await scene.tcp('shop', 'till', { family: 6 })).toContain('till')
    expect(await scene.tcp('thief', 'till')).toBe(refused)
  })

  it('comes back after the ruleset was flushed', async () => {
    await scene.say('till', allow('shop', 'till', { ports: { start: 80, end: 81 } }), allow('thief', 'till'))
    const before = pairs().toSorted()
    expect(before).toHaveLength(4)
    scene.fixture.logged.length = 0
    sh('nft flush ruleset')
    await eventually(() => scene.fixture.logged.some((line) => /written anew/.test(line)))
    expect(pairs().toSorted()).toEqual(before)
    expect(await scene.tcp('shop', 'till')).toContain('till')
    expect(await scene.tcp('till', 'shop')).toBe(refused)
  })

  it('ends with its container, and leaves nothing in the kernel', async () => {
    await scene.say('till', allow('shop', 'till', { protocol: 'udp', ports: { start: 53, end: 53 } }))
    await scene.say('shop', allow('till', 'thief'))
    expect(await scene.udp('shop', 'till')).toContain('till')
    expect(await scene.tcp('till', 'thief', { family: 6 })).toContain('thief')
    const proxies = () => sh(`ip -6 neighbour show proxy dev ${bridge}`)
    expect(flowsTo('till')).toContain('dport=53 ')
    await scene.unplug('till')
    expect(pairs()).toEqual([])
    expect(proxies()).not.toContain(addressOf('till', 6))
    expect(flowsTo('till')).toBe('')
    await scene.unplug('shop')
    expect(proxies()).toBe('')
    const setting = (path: string) => sh(`cat /proc/sys/net/${path}`).trim()
    expect(setting(`ipv4/conf/${bridge}/proxy_arp_pvlan`)).toBe('0')
    expect(setting(`ipv6/conf/${bridge}/proxy_ndp`)).toBe('0')
    expect(sh('nft list tables')).not.toContain('policy')
  })

  it.each([0, 1] as const)(
    'leaves ports of the machine as they are, with bridge-nf-call-iptables %i',
    async (value) => {
      setBridgeFiltering(value)
      const portMappings = [{ protocol: 'tcp' as const, hostPort: 8080, containerPort: 81 }]
      const reached = () => scene.peers.shop.tcp({ address: '10.1.0.1', port: 8080, timeoutMs: 1_000 })
      const { fixture, members } = scene
      await fixture.plug({ ...members.till, portMappings })
      const before = await reached()
      await fixture.plug({ ...members.till, portMappings, policy: { policies: [allow('shop', 'till')] } })
      expect(await reached()).toBe(before)
    },
  )

  it.each([
    ['the bridge does not answer for a member', `ip -6 neighbour del proxy fd00:1::3 dev ${bridge}`],
    ['the bridge answers for somebody else', `ip -6 neighbour add proxy fd00:1::99 dev ${bridge}`],
    ['it answers no ARP', `echo 0 >/proc/sys/net/ipv4/conf/${bridge}/proxy_arp_pvlan`],
    ['it answers no neighbour discovery', `echo 0 >/proc/sys/net/ipv6/conf/${bridge}/proxy_ndp`],
    ['it answers late', `echo 80 >/proc/sys/net/ipv4/neigh/${bridge}/proxy_delay`],
  ])('shows and mends that %s', async (_, change) => {
    const { fixture } = scene
    await scene.say('till', allow('shop', 'till'))
    const faults = async () => (await fixture.driver.networkFaults?.(fixture.call())) ?? []
    expect(await faults()).toEqual([])
    sh(change)
    expect(await faults()).toMatchObject([{ networkId: apart.id, fault: expect.stringContaining(bridge) }])
    fixture.repaired.length = 0
    await fixture.create(apart)
    expect(fixture.repaired).toHaveLength(1)
    expect(await faults()).toEqual([])
    expect(await scene.tcp('shop', 'till', { family: 6 })).toContain('till')
  })

  it('is refused where members reach each other, and in an internal network, with the member that it is in', async () => {
    const { fixture } = scene
    const open = await fixture.create(
      network('open', { subnets: [{ subnet: '10.2.0.0/16', gateway: '10.2.0.1' }] }),
    )
    const inner = await fixture.create(
      network('inner', { internal: true, config: { icc: false }, subnets: [{ subnet: '10.3.0.0/16' }] }),
    )
    const policy = { policies: [allow('shop', 'till')] }
    for (const [into, address, why] of [
      [open, '10.2.0.2/16', /icc/],
      [inner, '10.3.0.2/16', /internal/],
    ] as const) {
      const params = fixture.params(into, 'shop', { addresses: [address], name: 'eth1', defaultRoute: false })
      await expect(fixture.plug({ ...params, policy })).rejects.toMatchObject({
        kind: 'invalidArgument',
        message: expect.stringMatching(why),
        fields: [{ path: 'policy.policies' }],
      })
      // Nothing is promised by a list without entries.
      await fixture.plug({ ...params, policy: { policies: [] } })
      await fixture.driver.unplug({ networkId: into.id, endpointId: params.endpointId }, fixture.call())
    }
  })
})
