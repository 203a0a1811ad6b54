// What differs of the routes of a bridge, or of an interface in a sandbox, in words.
import { LOCAL_TABLE, type RouteFault } from '../linux/index.ts'

/** What is: `lacks the route to 10.1.0.0/16`. */
export function lacking({ route, changes }: RouteFault): string {
  if (changes.length === 0) return `lacks the route to ${nameOf(route)}`
  return `has the ${changes.join(', ')} in the route to ${nameOf(route)}`
}

/** What was, and is mended: `the route to 10.1.0.0/16 was missing`. */
export function mended({ route, changes }: RouteFault): string {
  if (changes.length === 0) return `the route to ${nameOf(route)} was missing`
  return `the route to ${nameOf(route)} had the ${changes.join(', ')}`
}

function nameOf({ destination, table }: RouteFault['route']): string {
  return table === LOCAL_TABLE ? `${destination} in the table local` : destination
}
