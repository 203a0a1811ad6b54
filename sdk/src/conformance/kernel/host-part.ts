// What the host does for a driver that leaves interfaces to it, as far as the kit needs it: in, and out again.
import { Namespace, Rtnl, replaceAddress, setLink } from '../../linux/index.ts'
import type { PluggedInterface, PlugResult, Sandbox } from '../../protocol/index.ts'

export type HostInterface = PluggedInterface & { readonly sourceName: string }

/** Those that the driver left to the host. */
export function hostInterfaces({ interfaces }: PlugResult): HostInterface[] {
  return interfaces.flatMap((plugged) => {
    const { configuredBy, sourceName } = plugged
    return configuredBy === 'host' && sourceName !== undefined ? [{ ...plugged, sourceName }] : []
  })
}

/** Whether the link is where the driver says. */
export function isAtSource(plugged: HostInterface): boolean {
  using source = sourceOf(plugged)
  using outside = Rtnl.openIn(source)
  return outside.link(plugged.sourceName) !== undefined
}

/** Moves them in, names and configures them. */
export function takeIn({ path }: Sandbox, result: PlugResult): void {
  using sandbox = Namespace.open(path)
  using inside = Rtnl.openIn(sandbox)
  for (const plugged of hostInterfaces(result)) {
    using source = sourceOf(plugged)
    using outside = Rtnl.openIn(source)
    outside.run(setLink(plugged.sourceName, { up: false }))
    const { index } = outside.existingLink(plugged.sourceName)
    outside.run(setLink(index, { namespace: sandbox, name: plugged.name }))
    const link = inside.existingLink(plugged.name).index
    const { macAddress, mtu, addresses } = plugged
    inside.run(setLink(link, { macAddress, ...(mtu !== undefined && { mtu }) }))
    inside.run(setLink(link, { up: true }))
    for (const address of addresses) inside.run(replaceAddress({ link, address, nodad: true }))
  }
}

/** Moves back what is no veth, as a host does before it tells the driver to unplug. */
export function giveBack({ path }: Sandbox, result: PlugResult): void {
  using sandbox = Namespace.open(path)
  using inside = Rtnl.openIn(sandbox)
  for (const plugged of hostInterfaces(result)) {
    const link = inside.link(plugged.name)
    if (link === undefined || link.kind === 'veth') continue
    using source = sourceOf(plugged)
    inside.run(setLink(link.index, { up: false }))
    inside.run(setLink(link.index, { namespace: source, name: plugged.sourceName }))
  }
}

function sourceOf({ sourceNamespace }: PluggedInterface): Namespace {
  return sourceNamespace === undefined ? Namespace.current() : Namespace.open(sourceNamespace)
}
