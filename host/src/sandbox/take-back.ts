// How an interface that the host has brought into a sandbox leaves it, also where somebody has changed it there, or has
// taken its name outside.
import {
  deleteLink,
  interfaceNameFault,
  type Link,
  Namespace,
  openSandbox,
  Rtnl,
  setLink,
} from '@conet/sdk/linux'
import { type HostInterface, openSourceNamespace, type Passage } from './host-interface.ts'
import { isFromOutside, renamedLink } from './renamed-link.ts'
import { isSandboxGone } from './sandbox-gone.ts'

/** Names of what is in the sandbox besides: no link of those is taken for a renamed one. */
export type Others = ReadonlySet<string>

/**
 * `renamed`: it is back, as `name`, since another link has its own. `unrecognised`: nothing in the sandbox is it for certain,
 * and one of `links` may be.
 */
export type TakenBack = { outcome: 'back' } | Renamed | { outcome: 'unrecognised'; links: string[] }

type Renamed = { outcome: 'renamed'; name: string }

const back: TakenBack = { outcome: 'back' }

/**
 * Before the driver is told to unplug: moves the interface back under its own name, down and without addresses. A
 * veth stays: deleting its other end, as its driver does, takes it out of the sandbox. Fine when it, or the sandbox,
 * is gone.
 */
export async function takeBack(
  sandboxPath: string,
  plugged: HostInterface,
  others: Others = new Set(),
): Promise<TakenBack> {
  using sandbox = openUnlessGone(sandboxPath)
  if (sandbox === undefined) return back
  using inside = Rtnl.openIn(sandbox)
  const link = linkOf(inside, plugged, others)
  if (link?.kind === 'veth') return back
  using source = openSourceNamespace(plugged)
  if (source === undefined) return endWithSource(inside, link, plugged)
  using outside = Rtnl.openIn(source)
  const atSource = outside.link(plugged.sourceName)
  if (link !== undefined && isMoved(link, atSource, plugged))
    return moveOut(inside, { link: link.index, ...plugged }, { source, outside })
  const links = suspects(inside, { plugged, others, atSource })
  return links.length === 0 ? back : { outcome: 'unrecognised', links }
}

/** After the driver has confirmed: a veth whose other end it did not delete goes too. Fine when it is gone. */
export async function removeRest(
  sandboxPath: string,
  plugged: HostInterface,
  others?: Others,
): Promise<void> {
  using sandbox = openUnlessGone(sandboxPath)
  if (sandbox === undefined) return
  using inside = Rtnl.openIn(sandbox)
  const link = linkOf(inside, plugged, others)
  // Another MAC: the container has made one of this name meanwhile.
  if (link?.kind !== 'veth' || link.macAddress !== plugged.macAddress.toLowerCase()) return
  await inside.runSlow(deleteLink(link.index), { tolerate: ['ENODEV'] })
}

/** Down, and under its name at its source, or one like it where another link has that. */
export function moveOut(
  inside: Rtnl,
  { link, sourceName }: Pick<HostInterface, 'sourceName'> & { link: number },
  { source, outside }: Pick<Passage, 'source' | 'outside'>,
): Extract<TakenBack, { outcome: 'back' }> | Renamed {
  const name = freeName(outside, sourceName)
  inside.run(setLink(link, { up: false }))
  inside.run(setLink(link, { namespace: source, name }))
  return name === sourceName ? { outcome: 'back' } : { outcome: 'renamed', name }
}

/** The name itself, or with a number behind as much of it as fits. */
function freeName(outside: Rtnl, wanted: string): string {
  let name = wanted
  for (let n = 1; outside.link(name) !== undefined; n++) {
    const characters = [...wanted]
    do name = `${characters.join('')}-${n}`
    while (interfaceNameFault(name) !== undefined && characters.pop() !== undefined)
  }
  return name
}

/** What is to leave the sandbox: one of its name may be the container's own. */
function linkOf(inside: Rtnl, plugged: HostInterface, others: Others | undefined): Link | undefined {
  return renamedLink(inside, plugged, others) ?? inside.link(plugged.name)
}

/**
 * With its name at its source it was never moved, or is back, and the link in the sandbox is somebody else's; unless of the two
 * that one alone has its MAC: then somebody has made another of its name at the source.
 */
function isMoved(link: Link, atSource: Link | undefined, { macAddress }: HostInterface): boolean {
  if (atSource === undefined) return true
  const own = macAddress.toLowerCase()
  return link.macAddress === own && atSource.macAddress !== own
}

/** What may be the interface under another name and MAC: no veth, which its driver ends from outside. */
function suspects(
  inside: Rtnl,
  { plugged, others, atSource }: { plugged: HostInterface; others: Others; atSource: Link | undefined },
): string[] {
  if (atSource?.macAddress === plugged.macAddress.toLowerCase()) return []
  return inside
    .links()
    .filter((link) => {
      if (link.isLoopback || link.kind === 'veth') return false
      if (link.name === plugged.name) return true
      // The kernel moves no bridge to another namespace.
      if (others.has(link.name) || link.kind === 'bridge') return false
      // Most often it was never moved then, or is back, and what the container has made is no news.
      return atSource === undefined || isFromOutside(link)
    })
    .map(({ name }) => name)
}

/** What the kernel does with the devices of a namespace that ends: virtual ones go, hardware is the host's again. */
async function endWithSource(
  inside: Rtnl,
  link: Link | undefined,
  plugged: HostInterface,
): Promise<TakenBack> {
  if (link === undefined) return back
  if (link.kind !== undefined) {
    await inside.runSlow(deleteLink(link.index), { tolerate: ['ENODEV'] })
    return back
  }
  using source = Namespace.current()
  using outside = Rtnl.openIn(source)
  return moveOut(inside, { link: link.index, ...plugged }, { source, outside })
}

function openUnlessGone(sandboxPath: string): Namespace | undefined {
  try {
    return openSandbox(sandboxPath)
  } catch (error) {
    // With the namespace its devices went: physical ones are back in the first namespace by the kernel's doing.
    if (isSandboxGone(error)) return undefined
    throw error
  }
}
