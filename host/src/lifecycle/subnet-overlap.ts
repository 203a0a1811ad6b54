// Which subnets may not meet.
import { ConetError } from '@conet/sdk'
import type { NetworkRecord, SubnetRecord } from '../domain/network.ts'
import { findOverlap } from '../ipam/index.ts'
import type { RequestFaults } from './request-faults.ts'

export type SubnetOwner = { subnet: string; owner: string }

/**
 * Notes a `subnetOverlap` for each given subnet that meets another of the same network, or one that is taken. `given`: by
 * their places in the request; undefined is one that is wrong already.
 */
export function noteOverlaps(
  faults: RequestFaults,
  given: readonly (SubnetRecord | undefined)[],
  taken: readonly SubnetOwner[],
): void {
  given.forEach((record, index) => {
    if (record === undefined) return
    const before = given
      .slice(0, index)
      .flatMap((other, n) => (other ? [{ subnet: other.subnet, owner: `subnets[${n}]` }] : []))
    faults.of(() => refuseOverlap(record, index, [...before, ...taken]))
  })
}

function refuseOverlap({ subnet }: SubnetRecord, index: number, taken: readonly SubnetOwner[]): void {
  const other = findOverlap(subnet, taken)
  if (other === undefined) return
  const message =
    other.subnet === subnet
      ? `${subnet} is that of ${other.owner}`
      : `${subnet} overlaps ${other.subnet} of ${other.owner}`
  throw new ConetError('subnetOverlap', `subnets[${index}].subnet: ${message}`, {
    fields: [{ path: `subnets[${index}].subnet`, message }],
    details: { subnet, overlaps: other.subnet, owner: other.owner },
    help: 'choose another subnet, or leave it out to get a free one',
  })
}

/** Throws `subnetOverlap` when a network of the cluster meets what this machine has. */
export function refuseOnThisMachine(
  { name, id, subnets }: Pick<NetworkRecord, 'name' | 'id' | 'subnets'>,
  taken: readonly SubnetOwner[],
): void {
  for (const { subnet } of subnets) {
    const other = findOverlap(subnet, taken)
    if (other === undefined) continue
    throw new ConetError(
      'subnetOverlap',
      `use network ${name} on this host: ${subnet} overlaps ${other.subnet} of ${other.owner}`,
      {
        details: { networkId: id, subnet, overlaps: other.subnet, owner: other.owner },
        help: 'use the network on other hosts, or take away here what has these addresses',
      },
    )
  }
}

/** One container cannot tell two different networks apart that use the same addresses. */
export function refuseAmbiguousNetworks(
  network: NetworkRecord,
  others: Iterable<NetworkRecord>,
  handle: string,
): void {
  for (const other of others) {
    if (other.id === network.id) continue
    const taken = other.subnets.map(({ subnet }) => ({ subnet, owner: other.name }))
    const met = network.subnets.find(({ subnet }) => findOverlap(subnet, taken) !== undefined)
    if (met === undefined) continue
    throw new ConetError(
      'subnetOverlap',
      `plug container ${handle} into ${network.name}: ${met.subnet} overlaps a subnet of ${other.name}, where it is plugged already`,
      { details: { container: handle, subnet: met.subnet, network: other.name } },
    )
  }
}
