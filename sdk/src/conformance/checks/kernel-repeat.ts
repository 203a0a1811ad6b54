// What a plug that is repeated does in a sandbox where somebody has been since, and what it says of it.
import { deleteAddress, Namespace, Rtnl, setLink } from '../../linux/index.ts'
import type { PluggedInterface, PlugResult, Sandbox } from '../../protocol/index.ts'
import { asAnswered } from '../kernel/host-part.ts'
import { canonicalPrefix, pictureOf } from '../kernel/picture.ts'
import { driverInterfaces, linkIn, plugged, plugIn } from '../kernel/plugged.ts'
import type { ActiveCheck } from './check.ts'
import { expect, NotApplicable } from './verdicts.ts'

const shared = { level: 'core', needs: ['root'], rules: ['PLUG-1', 'IDEM-1'] } as const

export const kernelRepeatChecks: readonly ActiveCheck[] = [
  {
    ...shared,
    id: 'kernel.repeat-without-interruption',
    title: 'a plug that is repeated answers the same and leaves the interface alone',
    sends: 'the same endpoint/plug twice; then it compares the answers and the interfaces',
    why: 'Hosts repeat calls after every lost connection; connections of the container must not break.',
    mend: 'Look what is there before you make it, and change only what differs.',
    async run(kit) {
      using host = await kit.connect()
      const { endpoint, sandbox, result } = await plugged(kit, host)
      const before = pictureOf(sandbox.path)
      const again = await kit.plug(host, endpoint, sandbox)
      expectSameAnswer(again, result)
      const after = pictureOf(sandbox.path)
      const indexes = ({ links }: typeof before) => links.map(({ name, index }) => `${name} ${index}`)
      expect(`${indexes(before)}` === `${indexes(after)}`, 'the interfaces are others', {
        expected: indexes(before),
        found: indexes(after),
      })
    },
  },
  {
    ...shared,
    id: 'kernel.repeat-mends',
    title: 'a plug that is repeated mends an interface that lost its address and is down',
    sends: 'endpoint/plug; it takes the addresses away and the interface down; endpoint/plug again',
    why: 'It is how a host repairs what somebody else has broken.',
    mend: 'Compare the interface with what it should be, and set what differs.',
    async run(kit) {
      using host = await kit.connect()
      const { endpoint, sandbox, result } = await plugged(kit, host)
      const [wanted] = driverInterfaces(result)
      if (wanted === undefined) throw new NotApplicable('the driver leaves the interface to the host')
      asAnswered('look for what the driver has plugged', result, () => damage(sandbox, wanted))
      await plugIn(kit, host, endpoint, sandbox)
      expect(linkIn(sandbox, wanted).isUp, `${wanted.name} is still down`)
      const { addresses } = pictureOf(sandbox.path)
      const missing = wanted.addresses.filter(
        (one) => !addresses.includes(`${wanted.name} ${canonicalPrefix(one)}`),
      )
      expect(missing.length === 0, 'addresses are still missing', {
        expected: wanted.addresses,
        found: addresses,
      })
    },
  },
  {
    ...shared,
    id: 'kernel.repeat-restores',
    title: 'a plug that is repeated puts back the MAC and the MTU, and answers what should be',
    sends: 'endpoint/plug; it gives the interface another MAC and another MTU; endpoint/plug again',
    why: 'What somebody has made of an interface in a container is not what the host has asked for.',
    mend: 'Answer what should be, not what you find there; compare the link with it, and set what differs.',
    async run(kit) {
      using host = await kit.connect()
      const { endpoint, sandbox, result } = await plugged(kit, host)
      const [wanted] = driverInterfaces(result)
      if (wanted === undefined) throw new NotApplicable('the driver leaves the interface to the host')
      asAnswered('look for what the driver has plugged', result, () => alter(sandbox, wanted))
      expectSameAnswer(await kit.plug(host, endpoint, sandbox), result)
      const { name, macAddress, mtu } = linkIn(sandbox, wanted)
      expect(macAddress === wanted.macAddress, `${name} still has another MAC`, {
        expected: wanted.macAddress,
        found: macAddress,
      })
      const isAsSaid = wanted.mtu === undefined || mtu === wanted.mtu
      expect(isAsSaid, `${name} still has another MTU`, { expected: wanted.mtu, found: mtu })
    },
  },
]

function expectSameAnswer(again: PlugResult, first: PlugResult): void {
  const isSame = JSON.stringify(again) === JSON.stringify(first)
  expect(isSame, 'the answer is another', { expected: first, found: again })
}

/** With less the kernel takes IPv6 off an interface (RFC 8200, section 5). */
const leastIpv6Mtu = 1280

function alter({ path }: Sandbox, { name, mtu }: PluggedInterface): void {
  using namespace = Namespace.open(path)
  using rtnl = Rtnl.openIn(namespace)
  const { index } = rtnl.existingLink(name)
  // Some kinds, as ipvlan, have the MAC of another link for good.
  rtnl.run(setLink(index, { macAddress: '02:00:00:00:00:77' }), { tolerate: ['EOPNOTSUPP'] })
  if (mtu !== undefined && mtu > leastIpv6Mtu) rtnl.run(setLink(index, { mtu: mtu - 1 }))
}

function damage({ path }: Sandbox, { name, addresses }: PluggedInterface): void {
  using namespace = Namespace.open(path)
  using rtnl = Rtnl.openIn(namespace)
  const { index } = rtnl.existingLink(name)
  for (const address of addresses) rtnl.run(deleteAddress({ link: index, address }))
  rtnl.run(setLink(index, { up: false }))
}
