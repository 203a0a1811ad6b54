// Which looks through the flows that the kernel remembers are for many addresses: one takes the same time whatever it is for, but all
// flows may be many.
import type { FlowFilter } from '../linux/netfilter/index.ts'

const fewAddresses = 2

/** Filters for each of few addresses, or the one for all flows. None where there is no address. */
export function fewOrAll<Filter extends Partial<FlowFilter>>(
  addresses: readonly Uint8Array[],
  filters: (address: Uint8Array) => Filter[],
): (Filter | Record<string, never>)[] {
  return addresses.length > fewAddresses ? [{}] : addresses.flatMap(filters)
}

export function ofFamily<Address extends Uint8Array>(
  family: FlowFilter['family'],
  addresses: readonly Address[],
): Address[] {
  return addresses.filter(({ length }) => length === (family === 4 ? 4 : 16))
}
