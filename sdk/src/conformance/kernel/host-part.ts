// What the host does for a driver that leaves interfaces to it, as far as the kit needs it: in, and out again.
import { KernelError, Namespace, Rtnl, replaceAddress, setLink } from '../../linux/index.ts'
import type { PluggedInterface, PlugResult, Sandbox } from '../../protocol/index.ts'
import { Violation } from '../checks/verdicts.ts'

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
  let isThere = false
  asAnswered('look for what the plug leaves to the host', { interfaces: [plugged] }, () => {
    using source = sourceOf(plugged)
    using outside = Rtnl.openIn(source)
    isThere = outside.link(plugged.sourceName) !== undefined
  })
  return isThere
}

/** Moves them in, names and configures them. Throws a Violation where the kernel refuses what the driver has answered. */
export function takeIn(sandbox: Sandbox, result: PlugResult): void {
  asAnswered('take in what the plug leaves to the host', result, () => moveIn(sandbox, result))
}

function moveIn({ path }: Sandbox, result: PlugResult): void {
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

/** Moves back what is no veth, as a host does before it tells the driver to unplug. Throws a Violation like `takeIn`. */
export function giveBack(sandbox: Sandbox, result: PlugResult): void {
  asAnswered('give back what the plug left to the host', result, () => moveBack(sandbox, result))
}

function moveBack({ path }: Sandbox, result: PlugResult): void {
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

/** The kit does what the answer says: what the kernel does not know or take is the driver's mistake. */
export function asAnswered(what: string, { interfaces }: PlugResult, act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    throw new Violation(`${what}: ${error.message}`, {
      expected: 'interfaces that are as the answer to endpoint/plug says',
      found: interfaces,
    })
  }
}

function sourceOf({ sourceNamespace }: PluggedInterface): Namespace {
  return sourceNamespace === undefined ? Namespace.current() : Namespace.open(sourceNamespace)
}
