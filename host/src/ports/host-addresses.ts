// Which addresses of the machine a mapping, or a process that listens, is for.
import { isIPv6 } from 'node:net'

/** Stands for all addresses of its family. */
export function isAllOfFamily(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

/** Undefined: all addresses of both families. */
export function haveCommonAddress(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined || one === other) return true
  return (isAllOfFamily(one) || isAllOfFamily(other)) && isIPv6(one) === isIPv6(other)
}
