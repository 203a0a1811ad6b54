// The link of an interface that the host has brought in, where somebody in the container has given it another name.
import { ConetError } from '@conet/sdk'
import { KernelError, type Link, type Rtnl, setLink } from '@conet/sdk/linux'
import type { HostInterface } from './host-interface.ts'

/**
 * Undefined unless it is certain: the only one with the interface's MAC, and no link that the container could have made,
 * as a VLAN on top of it, which has its MAC too. `others`: names of what is there besides.
 */
export function renamedLink(
  inside: Rtnl,
  { name, macAddress }: Pick<HostInterface, 'name' | 'macAddress'>,
  others: ReadonlySet<string> = new Set(),
): Link | undefined {
  const own = macAddress.toLowerCase()
  if (inside.link(name)?.macAddress === own) return undefined
  const [found, ...more] = inside
    .links()
    .filter((link) => link.macAddress === own && !others.has(link.name) && isFromOutside(link))
  return more.length === 0 ? found : undefined
}

/** Gives it its name back. Throws `conflict` when another link has that. */
export function nameBack(inside: Rtnl, link: Link, { name }: Pick<HostInterface, 'name'>): void {
  if (inside.link(name) !== undefined) throw nameLost(name, link.name)
  try {
    inside.run(setLink(link.index, { name }))
  } catch (error) {
    // Before 6.2 the kernel renames only what is down.
    if (!KernelError.is(error, 'EBUSY')) throw error
    inside.run(setLink(link.index, { up: false }))
    inside.run(setLink(link.index, { name }))
  }
}

/** Hardware, or its other end, or the link below it, is in another namespace. */
export function isFromOutside({ isLoopback, kind, parentNamespaceId }: Link): boolean {
  return !isLoopback && (kind === undefined || parentNamespaceId !== undefined)
}

function nameLost(name: string, current: string): ConetError {
  const message = `it is called ${current} in the container, where another link has its name`
  return new ConetError('conflict', `mend interface ${name}: ${message}`, {
    details: { interfaceName: name },
    help: `delete the other ${name} in the container, or give it another name`,
  })
}
