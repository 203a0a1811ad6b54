// What a client asks of an attachment and cannot have: it hears of its own fields, as early as anybody can know.
import { execFileSync } from 'node:child_process'
import type { AttachmentRequest } from '@conet/sdk/api'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { temporaryNamespace } from '../support/temporary-namespace.ts'

let fixture: ConetdFixture

const gatewayMac = '02:42:aa:00:00:01'

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['bridge'] })
})
afterAll(() => fixture?.[Symbol.asyncDispose]())

beforeEach(async () => {
  const subnets = [{ subnet: '10.90.0.0/24' }, { subnet: 'fd00:90::/64' }]
  await fixture.client.createNetwork({ name: 'dual', type: 'bridge', subnets })
  const config = { mtu: 1400, mac_address: gatewayMac }
  await fixture.client.createNetwork({
    name: 'red',
    type: 'bridge',
    subnets: [{ subnet: '10.91.0.0/24' }],
    config,
  })
})
afterEach(() => fixture.removeEverything())

const define = (handle: string, ...attachments: (string | AttachmentRequest)[]) =>
  fixture.client.putContainerConfig(handle, { attach_to: attachments })

/** Of a container that has a link `own` already, by which it may have routes. */
function namespaceWithLink() {
  const namespace = temporaryNamespace()
  const inside = (command: string) =>
    execFileSync('nsenter', [`--net=${namespace.path}`, 'sh', '-ec', command], { encoding: 'utf8' })
  inside('ip link add own type veth peer name other; ip link set own up; ip link set other up')
  return { ...namespace, inside }
}

it('an MTU with which there is no IPv6 is refused where the network has IPv6, before anything is done', async () => {
  const message = 'must be at least 1280: the network has an IPv6 subnet'
  const refusal = (path: string) => ({ kind: 'invalidArgument', fields: [{ path, message }] })
  await expect(define('c', { network: 'dual', mtu: 1279 })).rejects.toMatchObject(refusal('attach_to[0].mtu'))
  await define('c', { network: 'dual', mtu: 1280 }, { network: 'red', mtu: 68 })
  await expect(fixture.client.plug('c', { network: 'dual', mtu: 68 })).rejects.toMatchObject(refusal('mtu'))
  const { endpoints } = await fixture.client.up('c')
  expect(endpoints.map(({ interfaces }) => interfaces[0]?.mtu)).toEqual([1280, 68])
  await expect(fixture.client.plug('c', { network: 'dual', mtu: 1279 })).rejects.toMatchObject(refusal('mtu'))
})

it.each<[string, Omit<AttachmentRequest, 'network'>, string]>([
  ['mtu', { mtu: 1401 }, 'must be at most 1400, the MTU of the network: larger packets are lost'],
  ['mac_address', { mac_address: gatewayMac }, 'is that of the network’s gateway'],
])(
  'what only the driver can refuse is told with the field of the client: %s',
  async (path, wish, message) => {
    const wrong = { network: 'red', name: 'data', ...wish }
    const refusalOf = (handle: string, at = '') => ({
      kind: 'invalidArgument',
      message: `plug container ${handle}: attachment data in network red: ${at}${path}: ${message}`,
      fields: [{ path: `${at}${path}`, message }],
    })
    await define('mtu', { network: 'dual' })
    await expect(fixture.client.plug('mtu', wrong)).resolves.toMatchObject({ state: 'created' })
    await expect(fixture.client.up('mtu')).rejects.toMatchObject(refusalOf('mtu'))
    await fixture.client.deleteContainer('mtu')
    await define('c', { network: 'dual' }, wrong)
    await expect(fixture.client.up('c')).rejects.toMatchObject(refusalOf('c', 'attach_to[1].'))
    await fixture.client.down('c')
    await define('c')
    await fixture.client.up('c')
    await expect(fixture.client.plug('c', wrong)).rejects.toMatchObject(refusalOf('c'))
    const sent = { attach_to: [{ network: 'dual' }, wrong] }
    for (const handle of ['sent', 'mtu-mac_address'])
      await expect(fixture.client.up(handle, sent)).rejects.toMatchObject(refusalOf(handle, 'attach_to[1].'))
  },
)

it('what is refused at up is told at the entry whose network it is: names and ids may begin alike', async () => {
  const { id } = await fixture.client.getNetwork('red')
  // As short as this it is no prefix that anybody may give.
  await fixture.client.createNetwork({ name: id.slice(0, 1), type: 'bridge' })
  const refusal = { fields: [{ path: 'attach_to[1].mtu' }] }
  await define('c', id.slice(0, 1), { network: 'red', mtu: 1401 })
  await expect(fixture.client.up('c')).rejects.toMatchObject(refusal)
  const sent = ['dual', { network: id.slice(0, 4), mtu: 1401 }]
  await expect(fixture.client.up('sent', { attach_to: sent })).rejects.toMatchObject(refusal)
  await define('c', ...sent)
  await expect(fixture.client.up('c')).rejects.toMatchObject(refusal)
})

it('an address that another has by now is told with its place in the configuration, whatever was unplugged since', async () => {
  await define('c', 'dual', { network: 'red', addresses: ['10.91.0.7'] })
  const [first] = (await fixture.client.up('c')).endpoints
  await fixture.client.unplug({ handle: 'c', endpoint: first?.id ?? '' })
  await fixture.client.down('c')
  await define('other', { network: 'red', addresses: ['10.91.0.7'] })
  await fixture.client.up('other')
  const path = 'attach_to[1].addresses[0]'
  await expect(fixture.client.up('c')).rejects.toMatchObject({ kind: 'addressInUse', fields: [{ path }] })
})

it('a MAC that one attachment asks for is its, though it would follow from the address of another', async () => {
  const derived = { network: 'red', name: 'a', addresses: ['10.91.0.9'] }
  const asked = { network: 'red', name: 'b', mac_address: '02:42:0a:5b:00:09' }
  for (const attachments of [
    [derived, asked],
    [asked, derived],
  ]) {
    await define('c', ...attachments)
    const { endpoints } = await fixture.client.up('c')
    const macs = new Map(
      endpoints.map(({ attachment, interfaces }) => [attachment, interfaces[0]?.mac_address]),
    )
    expect(macs.get('b')).toBe(asked.mac_address)
    expect(macs.get('a')).not.toBe(asked.mac_address)
    await fixture.client.down('c')
  }
})

it('a name that one attachment asks for is no other’s, wherever it stands and whenever the others are plugged', async () => {
  const namesAtUp = async (handle: string) => {
    const { endpoints } = await fixture.client.up(handle)
    return Object.fromEntries(endpoints.map(({ attachment, interfaces: [made] }) => [attachment, made?.name]))
  }
  await define('c', 'dual', { network: 'red', interface: 'eth0' })
  expect(await namesAtUp('c')).toEqual({ dual: 'eth1', red: 'eth0' })
  await define('one-by-one', { network: 'red', interface: 'eth0' })
  await fixture.client.plug('one-by-one', { network: 'dual' })
  expect(await namesAtUp('one-by-one')).toEqual({ dual: 'eth1', red: 'eth0' })
})

it('a default route that is somebody else’s stays: endpoints that are to have it are refused, others stand beside it', async () => {
  using sandbox = namespaceWithLink()
  const { inside } = sandbox
  inside('ip address add 192.0.2.2/24 dev own; ip route add default via 192.0.2.1')
  const message = 'the container has a route to 0.0.0.0/0 (via 192.0.2.1 dev own) already'
  await define('c', 'red', 'dual')
  await expect(fixture.client.up('c', { netns: sandbox.path })).rejects.toMatchObject({
    kind: 'conflict',
    fields: [{ path: 'attach_to[0].default_route', message }],
  })
  await define('c', { network: 'red', default_route: false }, { network: 'dual', default_route: false })
  await fixture.client.up('c', { netns: sandbox.path })
  const plug = (wish: Omit<AttachmentRequest, 'network'>) =>
    fixture.client.plug('c', { network: 'red', name: 'more', ...wish })
  await expect(plug({})).rejects.toMatchObject({
    kind: 'conflict',
    message: expect.stringContaining('plug container c: attachment more in network red: default_route: '),
    fields: [{ path: 'default_route', message }],
  })
  await plug({ default_route: false })
  expect(inside('ip -4 route show default')).toMatch(/^default via 192\.0\.2\.1 dev own\s*$/)
  await fixture.client.down('c')
  expect(inside('ip -4 route show default')).toContain('via 192.0.2.1 dev own')
})

it('default routes of somebody else in both families are both named', async () => {
  using sandbox = namespaceWithLink()
  const { inside } = sandbox
  inside('ip address add 192.0.2.2/24 dev own; ip address add 2001:db8::2/64 dev own nodad')
  inside('ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8::1')
  await define('c', 'dual')
  const both =
    'the container has a route to 0.0.0.0/0 (via 192.0.2.1 dev own) and a route to ::/0 (via 2001:db8::1 dev own) already'
  await expect(fixture.client.up('c', { netns: sandbox.path })).rejects.toMatchObject({
    kind: 'conflict',
    fields: [{ path: 'attach_to[0].default_route', message: both }],
  })
})

it('an IPv6 default route of somebody else that would win is told at `up`, and nothing is left', async () => {
  using sandbox = namespaceWithLink()
  const { inside } = sandbox
  inside('ip address add 2001:db8::2/64 dev own nodad; ip -6 route add default via 2001:db8::1 metric 100')
  await define('c', 'dual')
  await expect(fixture.client.up('c', { netns: sandbox.path })).rejects.toMatchObject({
    kind: 'conflict',
    fields: [
      {
        path: 'attach_to[0].default_route',
        message: 'the container has a route to ::/0 with the metric 100 (via 2001:db8::1 dev own) already',
      },
    ],
  })
  expect(inside('ip -o link show')).not.toContain('eth0')
  await define('c', { network: 'dual', default_route: false })
  await fixture.client.up('c', { netns: sandbox.path })
  await fixture.client.down('c')
})
