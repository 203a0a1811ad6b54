// The routes that the kernel has made with the addresses of a bridge, or of an interface in a sandbox, in words.
import { type AddressRouteFault, LOCAL_TABLE } from '../linux/index.ts'

/** What is: `lacks the route to 10.1.0.0/16`. */
export function lacking({ route, changes }: AddressRouteFault): string {
  if (changes.length === 0) return `lacks the route to ${nameOf(route)}`
  return `has the ${changes.join(', ')} in the route to ${nameOf(route)}`
}

/** What was, and is mended: `the route to 10.1.0.0/16 was missing`. */
export function mended({ route, changes }: AddressRouteFault): string {
  if (changes.length === 0) return `the route to ${nameOf(route)} was missing`
  return `the route to ${nameOf(route)} had the ${changes.join(', ')}`
}

function nameOf({ destination, table }: AddressRouteFault['route']): string {
  return table === LOCAL_TABLE ? `${destination} in the table local` : destination
}
