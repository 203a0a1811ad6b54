// A quick look at the flows that the kernel remembers: by /proc it takes no locks, 0.2 ms where there are few of them. It may miss
// one whose neighbour goes meanwhile, so it says what is there, and not what is not.
import { readFileSync } from 'node:fs'
import { KernelError } from '../kernel-error.ts'
import { readSysctl } from '../sysctl.ts'
import { checkedCall } from '../system-error.ts'

/** 4 µs each. */
const mostFlows = 250

/**
 * The ports that flows of UDP were sent to, before they were translated, in the namespace of the calling thread. Undefined where there are
 * too many flows for a quick look, or the kernel lets nobody look.
 */
export function glanceAtUdpPorts(): ReadonlySet<number> | undefined {
  try {
    const flows = Number(readSysctl(undefined, 'netfilter/nf_conntrack_count'))
    // A glance walks through all buckets, those of other namespaces too.
    if (flows === 0) return new Set()
    if (flows > mostFlows) return undefined
    const path = '/proc/thread-self/net/nf_conntrack'
    return udpPortsIn(checkedCall(`read ${path}`, () => readFileSync(path, 'latin1')))
  } catch (error) {
    if (KernelError.is(error)) return undefined
    throw error
  }
}

/** False where the kernel remembers no flow at all in the namespace of the calling thread. */
export function hasFlows(): boolean {
  try {
    return Number(readSysctl(undefined, 'netfilter/nf_conntrack_count')) !== 0
  } catch (error) {
    if (KernelError.is(error)) return true
    throw error
  }
}

/** Of lines as `ipv4 2 udp 17 29 src=192.0.2.2 dst=192.0.2.1 sport=5000 dport=53 … src=10.0.0.2 …`. */
export function udpPortsIn(text: string): ReadonlySet<number> {
  const ports = [...text.matchAll(/^ipv[46] +\d+ udp .*? dport=(\d+)/gm)]
  return new Set(ports.map(([, port]) => Number(port)))
}
