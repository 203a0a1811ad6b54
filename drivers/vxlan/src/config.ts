// The user's `config` document of a vxlan network: its published JSON Schema, and the document with defaults.
import { ConetError, type FieldError, type Network } from '@conet/sdk'
import {
  type EgressPlan,
  egressConfig,
  egressPlanOf,
  type HostService,
  hostAccessConfig,
  hostServicesOf,
} from '@conet/sdk/bridge-network'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

/** Of a VXLAN network identifier: 24 bits (RFC 7348), and 0 left out, which some switches take for none. */
export const vniRange = { minimum: 1, maximum: 0xffffff } as const

/** What IANA has assigned. */
const usualPort = 4789

const closed = { additionalProperties: false } as const

const macExample = '02:42:0a:00:00:01'

export const configSchema = Type.Object(
  {
    vni: Type.Optional(
      Type.Integer({
        ...vniRange,
        description: 'The number by which packets of this network are told from others. Default: a free one.',
      }),
    ),
    port: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 65535,
        default: usualPort,
        description: 'UDP port of the tunnels, the same on all hosts.',
      }),
    ),
    mtu: Type.Optional(
      Type.Integer({
        minimum: 68,
        maximum: 65535,
        description:
          'Bytes of the largest packet. Default, and at most: what the underlay carries, less 50 for the tunnel, 70 over IPv6.',
      }),
    ),
    masquerade: Type.Optional(
      Type.Boolean({
        default: true,
        description:
          "Whether what leaves a host carries the host's address. False: members are routed, and reachable from outside.",
      }),
    ),
    mac_address: Type.Optional(
      Type.String({
        examples: [macExample],
        pattern: '^(?!00:00:00:00:00:00)[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$',
        description:
          'MAC address of the gateway, the same on all hosts. Default: made of the id of the network.',
      }),
    ),
    ...hostAccessConfig,
    ...egressConfig,
  },
  closed,
)

/** An attachment to a vxlan network has no options. */
export const attachmentSchema = Type.Object({}, closed)

export type VxlanConfig = {
  readonly vni: number
  /** Who has said which: for errors. */
  readonly vniField: 'config.vni' | 'segmentId'
  readonly port: number
  /** Undefined: as large as the underlay allows. */
  readonly mtu: number | undefined
  readonly masquerade: boolean
  readonly macAddress: string | undefined
  readonly hostAccess: boolean
  readonly hostServices: readonly HostService[]
  readonly egress: EgressPlan
}

/** Throws `invalidArgument` that names the fields. */
export function parseConfig({
  config,
  segmentId,
  subnets,
}: Pick<Network, 'config' | 'segmentId' | 'subnets'>): VxlanConfig {
  if (!Value.Check(configSchema, config)) throw invalid(faultsOf(config))
  const {
    vni = segmentId,
    port = usualPort,
    mtu,
    masquerade = true,
    mac_address,
    host_access = true,
  } = config
  if (vni === undefined) {
    throw invalid([{ path: 'config.vni', message: 'is missing: the host has assigned none' }])
  }
  if (segmentId !== undefined && segmentId !== vni) {
    throw invalid([{ path: 'config.vni', message: `must be the ${segmentId} that the host has assigned` }])
  }
  assertVni(vni)
  const vniField = config.vni === undefined ? 'segmentId' : 'config.vni'
  return {
    vni,
    vniField,
    port,
    mtu,
    masquerade,
    macAddress: mac_address?.toLowerCase(),
    hostAccess: host_access,
    hostServices: hostServicesOf(config, subnets),
    egress: egressPlanOf(config),
  }
}

/** An error that names wrong fields. */
export function invalid(fields: FieldError[], help?: string): ConetError {
  const [first] = fields
  const message = `vxlan network: ${first?.path} ${first?.message}`
  return new ConetError('invalidArgument', message, { fields, ...(help !== undefined && { help }) })
}

/** The schema has looked at what a user says, not at what a host does. */
function assertVni(vni: number): void {
  const { minimum, maximum } = vniRange
  if (vni >= minimum && vni <= maximum) return
  throw invalid([{ path: 'segmentId', message: `must be from ${minimum} to ${maximum}` }])
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
