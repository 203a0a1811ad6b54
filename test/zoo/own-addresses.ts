// The addresses of a driver that chooses them itself (EP-2), of IPv4 subnets only. It counts; it knows no messages.
import { BlockList, isIPv4 } from 'node:net'
import { ConetError, type CreateEndpointParams } from '@conet/sdk'
import type { Records } from './records.ts'

/** One address of each subnet, or those that were asked for, with the prefix of their subnet. */
export function chooseAddresses(
  records: Records,
  { network, requestedAddresses = [] }: CreateEndpointParams,
): string[] {
  const subnets = network.subnets.map(({ subnet, gateway }) => ({ ...parse(subnet), gateway }))
  const taken = takenAddresses(records)
  for (const address of requestedAddresses) assertFree(address, subnets, taken)
  return subnets.map((subnet) => {
    const asked = requestedAddresses.find((address) => contains(subnet, address))
    return `${asked ?? nextFree(subnet, taken)}/${subnet.prefix}`
  })
}

type Subnet = { readonly base: string; readonly prefix: number; readonly gateway?: string | undefined }

function parse(subnet: string): Subnet {
  const [base = '', prefix] = subnet.split('/')
  return { base, prefix: Number(prefix) }
}

function takenAddresses({ endpoints }: Records): Set<string> {
  const addresses = [...endpoints.values()].flatMap(({ addresses = [] }) => addresses)
  return new Set(addresses.map((address) => address.split('/')[0] ?? address))
}

function assertFree(address: string, subnets: readonly Subnet[], taken: ReadonlySet<string>): void {
  if (!subnets.some((subnet) => contains(subnet, address))) {
    throw new ConetError('addressOutOfRange', `${address} lies in no subnet of the network`)
  }
  if (taken.has(address) || subnets.some(({ gateway }) => gateway === address)) {
    throw new ConetError('addressInUse', `${address} is taken`)
  }
}

function contains({ base, prefix }: Subnet, address: string): boolean {
  if (!isIPv4(base) || !isIPv4(address)) return false
  const block = new BlockList()
  block.addSubnet(base, prefix, 'ipv4')
  return block.check(address, 'ipv4')
}

function nextFree({ base, prefix, gateway }: Subnet, taken: ReadonlySet<string>): string {
  const first = toNumber(base)
  const last = first + 2 ** (32 - prefix) - 1
  for (let candidate = first + 1; candidate < last; candidate += 1) {
    const address = toText(candidate)
    if (address !== gateway && !taken.has(address)) return address
  }
  throw new ConetError('addressesExhausted', `no address is left in ${base}/${prefix}`)
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join('.')
}
