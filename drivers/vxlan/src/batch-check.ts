// What the schema of the protocol cannot say of peers; the kernel would refuse it, or take it for something else.
import type { FieldError, Peer } from '@conet/sdk'
import { isIpv6 } from '@conet/sdk/bridge-network'
import { formatIp, ipv4Number, parseIp } from '@conet/sdk/linux'
import { invalid } from './config.ts'

/** The peers with addresses and MACs as the kernel writes them. Throws `invalidArgument` that names the fields. */
export function assertPeers(
  peers: readonly Peer[],
  { localAddress, gatewayMac }: { localAddress: string; gatewayMac: string },
): Peer[] {
  const faults: FieldError[] = []
  const canonical = (path: string, text: string): string => {
    if (ipv4Number(text) !== undefined) return text
    try {
      return formatIp(parseIp(text).bytes)
    } catch (error) {
      faults.push({ path, message: error instanceof Error ? error.message : String(error) })
      return text
    }
  }
  const checked = peers.map((peer, at) => {
    const path = `set[${at}]`
    const tunnelAddress = canonical(`${path}.tunnelAddress`, peer.tunnelAddress)
    if (isIpv6(tunnelAddress) !== isIpv6(localAddress)) {
      faults.push({ path: `${path}.tunnelAddress`, message: `must be of the family of ${localAddress}` })
    }
    if (tunnelAddress === localAddress) {
      faults.push({ path: `${path}.tunnelAddress`, message: 'is this host itself' })
    }
    if (isGroup(peer.macAddress))
      faults.push({ path: `${path}.macAddress`, message: 'is not that of one receiver' })
    const macAddress = peer.macAddress.toLowerCase()
    if (macAddress === gatewayMac)
      faults.push({ path: `${path}.macAddress`, message: 'is that of the network’s gateway' })
    const addresses = peer.addresses.map((address, of) => canonical(`${path}.addresses[${of}]`, address))
    return { ...peer, macAddress, addresses, tunnelAddress }
  })
  if (faults.length > 0) throw invalid(faults)
  return checked
}

function isGroup(macAddress: string): boolean {
  const groupBit = 1
  return (Number.parseInt(macAddress.slice(0, 2), 16) & groupBit) !== 0
}
