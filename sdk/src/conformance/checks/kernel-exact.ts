// What a driver says of an interface that it calls exact, held against all that the kernel tells of it.
import {
  changedAddresses,
  formatPrefix,
  linkSettingChanges,
  Namespace,
  newRoute,
  parsePrefix,
  Rtnl,
  routeFaults,
} from '../../linux/index.ts'
import type { PluggedInterface } from '../../protocol/index.ts'
import { plugged } from '../kernel/plugged.ts'
import type { ActiveCheck } from './check.ts'
import { expect, NotApplicable } from './verdicts.ts'

export const kernelExactChecks: readonly ActiveCheck[] = [
  {
    level: 'core',
    needs: ['root'],
    id: 'kernel.exact',
    title: 'of an interface that the answer calls exact nothing else is set',
    rules: ['RES-9'],
    sends: 'network/create, endpoint/create, endpoint/plug; then it looks into the sandbox',
    why: 'The host takes whatever else it finds there for a change that somebody has made, and has the plug repeated.',
    mend: 'Leave the settings of the link as they are, set addresses for good and without options (those of IPv6 with nodad), routes with what the answer says of them; or leave `exact` out.',
    async run(kit) {
      using host = await kit.connect()
      const { sandbox, result } = await plugged(kit, host)
      const exact = result.interfaces.filter((one) => one.configuredBy === 'driver' && one.exact === true)
      if (exact.length === 0) throw new NotApplicable('the driver calls no interface exact')
      using namespace = Namespace.open(sandbox.path)
      using rtnl = Rtnl.openIn(namespace)
      const others = exact.flatMap((one) => otherThanSaid(rtnl, one))
      expect(others.length === 0, 'more is set than the answer says', { expected: exact, found: others })
    },
  },
]

/** In words: `10.1.0.2/16 with the metric 5`. */
function otherThanSaid(rtnl: Rtnl, { name, addresses, routes }: PluggedInterface): string[] {
  const found = rtnl.existingLink(name)
  const { index: link } = found
  const own = addresses.map((address) => {
    const { bytes, prefixLength } = parsePrefix(address)
    return formatPrefix(bytes, prefixLength)
  })
  const faults = routeFaults(
    rtnl.routes({ link }),
    routes.map((route) => newRoute(link, route)),
  )
  return [
    ...linkSettingChanges(found).map((key) => `${key} ${found[key]}`),
    ...changedAddresses(rtnl.addresses({ link }), { name, addresses: own }).map(({ text }) => text),
    ...faults.map(({ route, changes }) => `${route.destination} ${changes.join(', ') || 'missing'}`),
  ]
}
