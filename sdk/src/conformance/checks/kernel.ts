// What a plug says, held against what the sandbox shows.

import { KernelError, Namespace, readSysctl, type SysctlKey, sysctlOfPath } from '../../linux/index.ts'
import { hostInterfaces, isAtSource } from '../kernel/host-part.ts'
import { canonicalPrefix, pictureOf } from '../kernel/picture.ts'
import { driverInterfaces, linkIn, plugged } from '../kernel/plugged.ts'
import type { ActiveCheck } from './check.ts'
import { expect, NotApplicable, Violation } from './verdicts.ts'

const why = 'The host, and the user who inspects a container, believe the answer.'
const mend = 'Answer what you have just set without an error, or have compared with what should be.'
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
]

/** A setting that the sandbox does not have is one that the driver has not set. */
function settingIn(namespace: Namespace, key: SysctlKey, path: string): string {
  try {
    return readSysctl(namespace, key)
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    throw new Violation(`${path} is not in the sandbox: ${error.message}`)
  }
}
