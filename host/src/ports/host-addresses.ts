// Which addresses of the machine a mapping, or a process that listens, is for.
import { isIPv6 } from 'node:net'

/** All addresses of one family, or of both. */
const anyOfFamily: readonly string[] = ['0.0.0.0', '::']

/** Undefined: all addresses of both families. */
export function haveCommonAddress(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined || one === other) return true
  const isAny = anyOfFamily.includes(one) || anyOfFamily.includes(other)
  return isAny && isIPv6(one) === isIPv6(other)
}
