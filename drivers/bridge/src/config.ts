// The user's `config` document of a bridge network: its published JSON Schema, and the document with defaults.
import { ConetError, type FieldError, type Network } from '@conet/sdk'
import {
  type EgressPlan,
  egressConfig,
  egressPlanOf,
  type HostService,
  hostAccessConfig,
  hostServicesOf,
  leastIpv6Mtu,
} from '@conet/sdk/bridge-network'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

const closed = { additionalProperties: false } as const

const macExample = '02:42:0a:00:00:01'

export const configSchema = Type.Object(
  {
    mtu: Type.Optional(
      Type.Integer({
        minimum: 68,
        maximum: 65535,
        description:
          "Bytes of the largest packet. Default: that of the interface with the machine's default route, else 1500.",
      }),
    ),
    icc: Type.Optional(
      Type.Boolean({
        default: true,
        description:
          'Whether the members of the network can reach each other. False: only their gateway and beyond.',
      }),
    ),
    hairpin: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Whether the bridge sends a frame back out of the port by which it came in.',
      }),
    ),
    masquerade: Type.Optional(
      Type.Boolean({
        default: true,
        description:
          "Whether what leaves the machine carries the machine's address. False: members are routed, and reachable from outside.",
      }),
    ),
    mac_address: Type.Optional(
      Type.String({
        examples: [macExample],
        pattern: '^(?!00:00:00:00:00:00)[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$',
        description:
          'MAC address of the bridge, which is the gateway. Default: made of the id of the network.',
      }),
    ),
    ...hostAccessConfig,
    ...egressConfig,
  },
  closed,
)

/** An attachment to a bridge network has no options. */
export const attachmentSchema = Type.Object({}, closed)

export type BridgeConfig = {
  /** Undefined: as large as the machine's way out. */
  mtu: number | undefined
  icc: boolean
  hairpin: boolean
  masquerade: boolean
  macAddress: string | undefined
  hostAccess: boolean
  hostServices: readonly HostService[]
  egress: EgressPlan
}

/** Throws `invalidArgument` that names the fields. */
export function parseConfig({ config, subnets }: Pick<Network, 'config' | 'subnets'>): BridgeConfig {
  if (!Value.Check(configSchema, config)) throw invalid(faultsOf(config))
  const { mtu, icc = true, hairpin = false, masquerade = true, mac_address, host_access = true } = config
  const hasIpv6 = subnets.some(({ subnet }) => subnet.includes(':'))
  if (mtu !== undefined && mtu < leastIpv6Mtu && hasIpv6) {
    throw invalid([
      { path: 'config.mtu', message: `must be at least ${leastIpv6Mtu}: the network has an IPv6 subnet` },
    ])
  }
  return {
    mtu,
    icc,
    hairpin,
    masquerade,
    macAddress: mac_address?.toLowerCase(),
    hostAccess: host_access,
    hostServices: hostServicesOf(config, subnets),
    egress: egressPlanOf(config),
  }
}

/** A key that is not known is reported twice: at the key, where its schema is `false`, and at the whole document. */
function faultsOf(config: unknown): FieldError[] {
  return [...Value.Errors(configSchema, config)]
    .filter(({ keyword }) => keyword !== 'additionalProperties')
    .map(({ keyword, instancePath, message }) => ({
      path: `config${instancePath.replaceAll('/', '.')}`,
      message: wordsOf[keyword] ?? message,
    }))
}

/** The host refuses these first, in its own words: this is for who drives the driver by hand. */
const wordsOf: Readonly<Record<string, string>> = {
  boolean: 'is not a known setting',
  pattern: `must be a unicast MAC address, such as ${macExample}`,
}

function invalid(fields: FieldError[]): ConetError {
  const [first] = fields
  return new ConetError('invalidArgument', `bridge network: ${first?.path} ${first?.message}`, { fields })
}
