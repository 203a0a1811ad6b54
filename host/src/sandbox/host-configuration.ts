// Interfaces that a driver leaves to the host: moved from the driver's namespace (the host's) into the sandbox,
// named, addressed, and at unplug moved back when deleting them is not the host's business.
import { ConetError, type PluggedInterface, Rollback } from '@conet/sdk'
import {
  Namespace,
  openSandbox,
  type RouteRequest,
  Rtnl,
  replaceAddress,
  replaceNeighbour,
  replaceRoute,
  setLink,
} from '@conet/sdk/linux'
import { isSandboxGone } from './sandbox-keeper.ts'

type SourceInterface = PluggedInterface & { sourceName: string }

/** Brings one interface into the sandbox and configures it. Repeated: mends what differs. When a step fails the link is back where it was. */
export async function configureInterface(sandboxPath: string, plugged: PluggedInterface): Promise<void> {
  const wanted = withSource(plugged)
  using sandbox = openSandbox(sandboxPath)
  using outside = Rtnl.open()
  using inside = Rtnl.openIn(sandbox)
  await using undo = new Rollback()
  // A repeated plug finds the interface where the first one put it, maybe not configured to the end.
  const isThere = inside.link(wanted.name) !== undefined && outside.link(wanted.sourceName) === undefined
  if (!isThere) {
    outside.run(setLink(wanted.sourceName, { up: false }))
    const { index } = outside.existingLink(wanted.sourceName)
    outside.run(setLink(index, { namespace: sandbox, name: wanted.name }))
    undo.defer(`move interface ${wanted.sourceName} back`, () => moveBack(inside, wanted))
  }
  const { index } = inside.existingLink(wanted.name)
  inside.batch(configuration(index, wanted))
  undo.commit()
}

/** Moves the interface back under its own name. Fine when it or the sandbox is gone. */
export function returnInterface(sandboxPath: string, plugged: PluggedInterface): void {
  const wanted = withSource(plugged)
  try {
    using sandbox = openSandbox(sandboxPath)
    using inside = Rtnl.openIn(sandbox)
    if (inside.link(wanted.name) !== undefined) moveBack(inside, wanted)
  } catch (error) {
    // With the namespace its devices went: physical ones are back in the first namespace by the kernel's doing.
    if (!isSandboxGone(error)) throw error
  }
}

function moveBack(inside: Rtnl, { name, sourceName }: SourceInterface): void {
  using home = Namespace.current()
  const { index } = inside.existingLink(name)
  inside.run(setLink(index, { up: false }))
  inside.run(setLink(index, { namespace: home, name: sourceName }))
}

function withSource(plugged: PluggedInterface): SourceInterface {
  const { sourceName } = plugged
  if (sourceName !== undefined) return { ...plugged, sourceName }
  throw new ConetError(
    'protocolViolation',
    `configure interface ${plugged.name}: the driver left it to the host without a sourceName`,
  )
}

function configuration(link: number, wanted: SourceInterface): RouteRequest[] {
  const { macAddress, mtu, addresses, routes, neighbours = [] } = wanted
  const mtuChange = mtu === undefined ? {} : { mtu }
  return [
    setLink(link, { macAddress, ...mtuChange, ipv6AddressGeneration: 'none' }),
    ...addresses.map((address) => replaceAddress({ link, address, nodad: true })),
    setLink(link, { up: true }),
    ...routes.map(({ source, gateway, metric, table, destination }) =>
      replaceRoute({
        link,
        destination,
        ...(gateway === undefined ? {} : { gateway }),
        ...(metric === undefined ? {} : { metric }),
        ...(table === undefined ? {} : { table }),
        ...(source === undefined ? {} : { preferredSource: source }),
      }),
    ),
    ...neighbours.map((neighbour) => replaceNeighbour({ link, ...neighbour })),
  ]
}
