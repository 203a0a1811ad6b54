// What a plug says, held against what the sandbox shows.

import {
  deleteAddress,
  KernelError,
  Namespace,
  Rtnl,
  readSysctl,
  type SysctlKey,
  setLink,
  sysctlOfPath,
} from '../../linux/index.ts'
import type { PluggedInterface, PlugResult, Sandbox } from '../../protocol/index.ts'
import { asAnswered, hostInterfaces, isAtSource } from '../kernel/host-part.ts'
import { canonicalPrefix, pictureOf } from '../kernel/picture.ts'
import { plugged, plugIn } from '../kernel/plugged.ts'
import type { ActiveCheck } from './check.ts'
import { expect, NotApplicable, Violation } from './verdicts.ts'

const why = 'The host, and the user who inspects a container, believe the answer.'
const mend = 'Answer what you have read back from the kernel, or what you have just set without an error.'
const shared = { level: 'core', needs: ['root'], why, mend } as const

export const kernelChecks: readonly ActiveCheck[] = [
  {
    ...shared,
    id: 'kernel.interfaces',
    title:
      'each interface that the driver configures is in the sandbox, up, with the MAC and MTU of the answer',
    rules: ['RES-2'],
    sends: 'network/create, endpoint/create with MTU 1400, endpoint/plug; then it looks into the sandbox',
    async run(kit) {
      using host = await kit.connect()
      const { sandbox, result } = await plugged(kit, host, { mtu: 1400 })
      for (const wanted of driverInterfaces(result)) {
        const link = linkIn(sandbox, wanted)
        expect(link.isUp, `${wanted.name} is down`)
        expect(link.macAddress === wanted.macAddress, `${wanted.name} has another MAC`, {
          expected: wanted.macAddress,
          found: link.macAddress,
        })
        const isAsSaid = wanted.mtu === undefined || link.mtu === wanted.mtu
        expect(isAsSaid, `${wanted.name} has another MTU`, { expected: wanted.mtu, found: link.mtu })
      }
    },
  },
  {
    ...shared,
    id: 'kernel.addresses',
    title: 'each address of the answer is on its interface in the sandbox',
    rules: ['RES-2'],
    sends: 'network/create, endpoint/create, endpoint/plug; then it looks into the sandbox',
    async run(kit) {
      using host = await kit.connect()
      const { sandbox, result } = await plugged(kit, host)
      const { addresses } = pictureOf(sandbox.path)
      for (const { name, addresses: wanted } of driverInterfaces(result)) {
        const missing = wanted.filter((address) => !addresses.includes(`${name} ${canonicalPrefix(address)}`))
        expect(missing.length === 0, `${name} lacks addresses`, { expected: wanted, found: addresses })
      }
    },
  },
  {
    ...shared,
    id: 'kernel.routes',
    title: 'each route of the answer is in the sandbox, with its gateway, metric and table',
    rules: ['RES-2', 'RES-7'],
    sends: 'network/create, endpoint/create, endpoint/plug; then it looks into the sandbox',
    async run(kit) {
      using host = await kit.connect()
      const { sandbox, result } = await plugged(kit, host)
      const { routes } = pictureOf(sandbox.path)
      for (const { name, routes: wanted } of driverInterfaces(result)) {
        for (const route of wanted) {
          const isThere = routes.some(
            (found) =>
              found.device === name &&
              found.destination === canonicalPrefix(route.destination) &&
              found.gateway === route.gateway &&
              (route.metric === undefined || found.metric === route.metric) &&
              found.table === (route.table ?? 254),
          )
          expect(isThere, `a route of ${name} is missing`, { expected: route, found: routes })
        }
      }
    },
  },
  {
    ...shared,
    id: 'kernel.neighbours',
    title: 'each neighbour of the answer is in the sandbox',
    rules: ['RES-2'],
    sends: 'network/create, endpoint/create, endpoint/plug; then it looks into the sandbox',
    async run(kit) {
      using host = await kit.connect()
      const { sandbox, result } = await plugged(kit, host)
      const { neighbours } = pictureOf(sandbox.path)
      for (const { address, macAddress } of driverInterfaces(result).flatMap((one) => one.neighbours ?? [])) {
        const isThere = neighbours.includes(`${address} ${macAddress}`)
        expect(isThere, 'a neighbour is missing', { expected: `${address} ${macAddress}`, found: neighbours })
      }
    },
  },
  {
    ...shared,
    id: 'kernel.sysctls',
    title: 'each setting of the answer has its value in the sandbox',
    rules: ['RES-2', 'RES-7'],
    sends: 'network/create, endpoint/create, endpoint/plug; then it looks into the sandbox',
    async run(kit) {
      using host = await kit.connect()
      const { sandbox, result } = await plugged(kit, host)
      using namespace = Namespace.open(sandbox.path)
      for (const [path, value] of driverInterfaces(result).flatMap((one) =>
        Object.entries(one.sysctls ?? {}),
      )) {
        const key = sysctlOfPath(path)
        expect(key !== undefined, `${path} is no setting of the network`)
        const found = settingIn(namespace, key, path)
        expect(found === value, `${path} has another value`, { expected: value, found })
      }
    },
  },
  {
    ...shared,
    id: 'kernel.source',
    title: 'an interface that is left to the host stands where the answer says',
    rules: ['RES-3'],
    sends: 'network/create, endpoint/create, endpoint/plug; then it looks for sourceName',
    why: 'The host moves it into the sandbox at once; if it is not there the plug fails.',
    mend: 'Make the link before you answer, in the host’s namespace or in the one that sourceNamespace names.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const endpoint = await kit.createEndpoint(host, network)
      const result = await kit.plug(host, endpoint, kit.sandbox())
      const lost = result.interfaces.find(
        ({ configuredBy, sourceName }) => configuredBy === 'host' && !sourceName,
      )
      expect(lost === undefined, 'an interface for the host has no sourceName', { found: lost })
      const left = hostInterfaces(result)
      if (left.length === 0) throw new NotApplicable('the driver leaves no interface to the host')
      for (const one of left) expect(isAtSource(one), `there is no ${one.sourceName}`, { found: result })
    },
  },
  {
    ...shared,
    id: 'kernel.repeat-without-interruption',
    title: 'a plug that is repeated answers the same and leaves the interface alone',
    rules: ['PLUG-1', 'IDEM-1'],
    sends: 'the same endpoint/plug twice; then it compares the answers and the interfaces',
    why: 'Hosts repeat calls after every lost connection; connections of the container must not break.',
    mend: 'Look what is there before you make it, and change only what differs.',
    async run(kit) {
      using host = await kit.connect()
      const { endpoint, sandbox, result } = await plugged(kit, host)
      const before = pictureOf(sandbox.path)
      const again = await kit.plug(host, endpoint, sandbox)
      expect(JSON.stringify(again) === JSON.stringify(result), 'the answer is another', {
        expected: result,
        found: again,
      })
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
    rules: ['PLUG-1', 'IDEM-1'],
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
]

/** Those that must be whole when the plug is answered. */
function driverInterfaces({ interfaces }: PlugResult): PluggedInterface[] {
  return interfaces.filter(({ configuredBy }) => configuredBy === 'driver')
}

function linkIn({ path }: Sandbox, { name }: PluggedInterface) {
  const { links } = pictureOf(path)
  const link = links.find((candidate) => candidate.name === name)
  if (link !== undefined) return link
  throw new Violation(`the sandbox has no ${name}`, { expected: name, found: links.map((one) => one.name) })
}

/** A setting that the sandbox does not have is one that the driver has not set. */
function settingIn(namespace: Namespace, key: SysctlKey, path: string): string {
  try {
    return readSysctl(namespace, key)
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    throw new Violation(`${path} is not in the sandbox: ${error.message}`)
  }
}

function damage({ path }: Sandbox, { name, addresses }: PluggedInterface): void {
  using namespace = Namespace.open(path)
  using rtnl = Rtnl.openIn(namespace)
  const { index } = rtnl.existingLink(name)
  for (const address of addresses) rtnl.run(deleteAddress({ link: index, address }))
  rtnl.run(setLink(index, { up: false }))
}
