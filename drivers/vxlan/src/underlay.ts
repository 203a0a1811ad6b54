// The network between hosts, as this machine is in it: the address that the host names, and the link that has it.
import { ConetError } from '@conet/sdk'
import { isIpv6, type Machine } from '@conet/sdk/bridge-network'
import { invalid } from './config.ts'

export type Underlay = {
  readonly address: string
  /** The largest packet that fits into a tunnel. */
  readonly tunnelMtu: number
}

/** What a tunnel puts before a packet: Ethernet 14, VXLAN 8, UDP 8, and IPv4 20 or IPv6 40. */
const overhead = { ipv4: 50, ipv6: 70 } as const

const field = 'underlayAddress'

/** Throws `failedPrecondition` where the host has no such address, `invalidArgument` where this machine has not. */
export function findUnderlay({ host, rtnl }: Pick<Machine, 'host' | 'rtnl'>): Underlay {
  const address = host.identity?.underlayAddress
  if (address === undefined) throw noUnderlay()
  const found = rtnl.addresses().find((candidate) => candidate.address.split('/')[0] === address)
  const link = found === undefined ? undefined : rtnl.link(found.link)
  if (link === undefined) throw wrong(`${address} is on no interface of this machine`)
  if (link.name.startsWith('cn')) throw wrong(`${address} is on ${link.name}, which is a network itself`)
  return { address, tunnelMtu: link.mtu - overhead[isIpv6(address) ? 'ipv6' : 'ipv4'] }
}

/** While there is none the host says so. */
export function hasUnderlay(machine: Pick<Machine, 'host' | 'rtnl'>): boolean {
  try {
    findUnderlay(machine)
    return true
  } catch (error) {
    if (ConetError.is(error)) return false
    throw error
  }
}

function noUnderlay(): ConetError {
  return new ConetError('failedPrecondition', 'vxlan network: the host has named no underlay address', {
    fields: [{ path: field, message: 'is missing' }],
    help: 'Start conetd with the address under which the other hosts reach this one.',
  })
}

function wrong(message: string): ConetError {
  return invalid([{ path: field, message }])
}
