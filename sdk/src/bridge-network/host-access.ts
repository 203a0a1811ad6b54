// The members of a network's `config` that say what of the machine itself its members reach.
import { type Static, Type } from 'typebox'
import { ConetError, type FieldError } from '../errors/index.ts'
import { broadcastOf, formatIp, parseIp, parsePrefix, subnetOf } from '../linux/index.ts'
import type { NetworkSubnet } from '../protocol/index.ts'
import { withoutPrefix } from './addressing.ts'
import type { HostService } from './firewall/host-services.ts'
import { noMachinesAddress } from './policy/machine-address.ts'
import { isMapped } from './policy/ranges.ts'

const closed = { additionalProperties: false } as const

/** The members of a network’s `config` that say what of the machine itself its members reach; `hostServicesOf` reads them. */
export const hostAccessConfig = {
  host_access: Type.Optional(
    Type.Boolean({
      default: true,
      description:
        'Whether members reach the machine that they are on. Ports that lead to members stay reachable.',
    }),
  ),
  host_services: Type.Optional(
    Type.Array(
      Type.Object(
        {
          protocol: Type.Enum(['tcp', 'udp']),
          port: Type.Integer({ minimum: 1, maximum: 65535 }),
          address: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 64,
              description:
                'One of the machine’s that members reach: not 0.0.0.0, loopback or fe80::/10. Absent: all of them.',
            }),
          ),
        },
        closed,
      ),
      { maxItems: 1024, description: 'What members reach of the machine where `host_access` is false.' },
    ),
  ),
} as const

/** Those members of a `config`. */
export type HostAccessConfig = Static<ReturnType<typeof Type.Object<typeof hostAccessConfig>>>

/** Throws `invalidArgument` that names the fields. `subnets`: of the network. */
export function hostServicesOf(
  { host_access: isOpen = true, host_services: wanted = [] }: HostAccessConfig,
  subnets: readonly Pick<NetworkSubnet, 'subnet'>[],
): HostService[] {
  const faults: FieldError[] = []
  const reserved = new Map(subnets.flatMap(reservedIn))
  if (isOpen && wanted.length > 0)
    faults.push({
      path: 'config.host_services',
      message: 'needs host_access to be false: members reach the whole machine',
    })
  const services = wanted.map(({ address, ...service }, at) => ({
    ...service,
    address:
      address === undefined
        ? undefined
        : canonical(address, { path: `config.host_services[${at}].address`, reserved, faults }),
  }))
  const [first] = faults
  if (first !== undefined)
    throw new ConetError('invalidArgument', `network: ${first.path} ${first.message}`, { fields: faults })
  return services
}

/** What no machine has of a subnet, as the kernel writes it, and why. Subnets of two addresses have none. */
function reservedIn({ subnet }: Pick<NetworkSubnet, 'subnet'>): [string, string][] {
  const prefix = parsePrefix(subnet)
  if (prefix.prefixLength > prefix.bytes.length * 8 - 2) return []
  const broadcast = broadcastOf(prefix)
  const first: [string, string] = [withoutPrefix(subnetOf(prefix)), `stands for the subnet ${subnet} itself`]
  return broadcast === undefined
    ? [first]
    : [first, [formatIp(broadcast), `is the broadcast address of ${subnet}`]]
}

type Reading = {
  readonly path: string
  readonly reserved: ReadonlyMap<string, string>
  readonly faults: FieldError[]
}

/** As the kernel writes it. */
function canonical(text: string, { path, reserved, faults }: Reading): string {
  try {
    const { bytes } = parseIp(text)
    const fault = faultOf(bytes) ?? reserved.get(formatIp(bytes))
    if (fault === undefined) return formatIp(bytes)
    faults.push({ path, message: `${JSON.stringify(text)} ${fault}` })
  } catch (error) {
    faults.push({ path, message: error instanceof Error ? error.message : String(error) })
  }
  return text
}

/** What no member reaches the machine at: its service would let nobody in. */
function faultOf(bytes: Buffer): string | undefined {
  if (isMapped(bytes)) return 'is an address of IPv4: it is written so'
  if (bytes.every((byte) => byte === 0))
    return 'is no address of the machine: leave address out for all of them'
  const isLoopback = bytes.length === 4 ? bytes[0] === 127 : formatIp(bytes) === '::1'
  return isLoopback ? 'is loopback, which each member has for itself' : noMachinesAddress(bytes)
}
