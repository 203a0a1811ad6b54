// What the interfaces of a sandbox have counted, as its container sees it.
import type { EndpointStats } from '@conet/sdk'
import { Namespace, Rtnl } from '@conet/sdk/linux'

export type Counters = Omit<EndpointStats, 'networkId' | 'endpointId'>

/** The sum over those interfaces; undefined if none of them is there. Takes a tenth of a millisecond. Throws a KernelError. */
export function interfaceCounters(path: string, names: readonly string[]): Counters | undefined {
  using namespace = Namespace.open(path)
  using rtnl = Rtnl.openIn(namespace)
  const found = names.flatMap((name) => rtnl.statistics(name) ?? [])
  if (found.length === 0) return undefined
  const sum = (pick: (one: (typeof found)[number]) => number) =>
    found.reduce((total, one) => total + pick(one), 0)
  return {
    rxBytes: sum((one) => one.receivedBytes),
    txBytes: sum((one) => one.sentBytes),
    rxPackets: sum((one) => one.receivedPackets),
    txPackets: sum((one) => one.sentPackets),
    rxErrors: sum((one) => one.receiveErrors),
    txErrors: sum((one) => one.sendErrors),
    rxDropped: sum((one) => one.receiveDropped),
    txDropped: sum((one) => one.sendDropped),
  }
}
