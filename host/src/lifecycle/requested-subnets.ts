// What is wrong with the subnets that a client names for a network, whatever other networks there are.
import { ConetError } from '@conet/sdk'
import type { CreateNetworkBody } from '@conet/sdk/api'
import { parseNetworkSubnet, type SubnetSpec } from '../ipam/index.ts'
import { RequestFaults } from './request-faults.ts'

type SubnetWish = Pick<CreateNetworkBody, 'subnets' | 'internal' | 'ipv4' | 'ipv6'> & { ipam?: 'driver' }

/** By their places in the request; undefined is one that is wrong. `at` opens the paths of wrong fields. */
export function readSubnets(
  { subnets = [], internal = false, ipv4, ipv6 }: SubnetWish,
  faults: RequestFaults,
  at = '',
): (SubnetSpec | undefined)[] {
  const isRefused = { 4: ipv4 === false, 6: ipv6 === false }
  return subnets.map((subnet, index) => {
    const path = `${at}subnets[${index}]`
    const spec = faults.of(() => parseNetworkSubnet(subnet, internal, path))
    if (spec !== undefined && isRefused[spec.family]) faults.of(() => refuseFamily(spec, path, at))
    return spec
  })
}

/** Throws for a network that would have no addresses by one word left out. Who wants none says so of both families. */
export function refuseWithoutAddresses({ subnets = [], ipv4, ipv6, ipam }: SubnetWish): void {
  if (subnets.length > 0 || ipam !== undefined || ipv4 !== false || ipv6 !== undefined) return
  const message = 'is false, and nothing else is asked for: the network would have no addresses'
  throw new ConetError('invalidArgument', `create network: ipv4 ${message}`, {
    fields: [{ path: 'ipv4', message }],
    help: 'say "ipv6": true, or name subnets, for a network with IPv6 alone; "ipv6": false for one without addresses',
  })
}

/** Throws `invalidArgument` with every wrong field. */
export function assertSubnets(wish: SubnetWish, at = ''): void {
  const faults = new RequestFaults()
  readSubnets(wish, faults, at)
  faults.throwIfAny()
}

function refuseFamily({ family, subnet }: SubnetSpec, path: string, at: string): never {
  const flag = `${at}ipv${family}`
  throw new ConetError('invalidArgument', `${flag} is false, and ${path}.subnet is ${subnet}`, {
    fields: [
      { path: `${path}.subnet`, message: `is an IPv${family} subnet, and ${flag} is false` },
      { path: flag, message: `is false, and ${path} is an IPv${family} subnet` },
    ],
    help: 'leave out one of the two',
  })
}
