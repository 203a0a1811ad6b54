// The policy document of a bridge network: its published JSON Schema, with Garden's names for what Garden has.
import { type Static, Type } from 'typebox'
import { PortRequest } from '../../protocol/index.ts'

const closed = { additionalProperties: false } as const

const Port = Type.Integer({ minimum: 0, maximum: 65535 })
const NonEmpty = Type.String({ minLength: 1, maxLength: 64 })

/** An address, a prefix, or a range; one end alone is a single address. */
const AddressRange = Type.Union([
  Type.String({ minLength: 1, maxLength: 64, description: 'An address or a prefix: `10.0.0.0/8`.' }),
  Type.Object({ start: Type.Optional(NonEmpty), end: Type.Optional(NonEmpty) }, closed),
])

/** Networks as a document has them. */
export type AddressRange = Static<typeof AddressRange>

export const AddressRanges = Type.Array(AddressRange)

const PortRange = Type.Object(
  { start: Type.Optional(Port), end: Type.Optional(Port) },
  { ...closed, description: 'Without `end`, or with 0: that one port. Without `start`: from 0.' },
)

const NetOutRule = Type.Object(
  {
    protocol: Type.Optional(
      Type.Enum(['all', 'tcp', 'udp', 'icmp', 'icmpv6', 'sctp', 0, 1, 2, 3, 4], {
        default: 'all',
        description: "Garden's numbers: 0 all, 1 tcp, 2 udp, 3 icmp, 4 icmpv6.",
      }),
    ),
    networks: Type.Optional(
      Type.Array(AddressRange, { description: 'To where. Absent or empty: anywhere.' }),
    ),
    ports: Type.Optional(
      Type.Array(PortRange, { description: 'Of tcp, udp and sctp. Absent or empty: any.' }),
    ),
    icmps: Type.Optional(
      Type.Object(
        {
          type: Type.Optional(Type.Integer({ minimum: 0, maximum: 255, default: 0 })),
          code: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
        },
        { ...closed, description: 'Of icmp and icmpv6. 255 is any, and so is no code.' },
      ),
    ),
    log: Type.Optional(Type.Boolean({ default: false, description: 'Log the first packet of each flow.' })),
    action: Type.Optional(
      Type.Enum(['allow', 'deny'], {
        default: 'allow',
        description: 'What becomes of a packet that fits. Later rules take precedence.',
      }),
    ),
  },
  closed,
)

/** One rule of `net_out`. */
export type NetOutRule = Static<typeof NetOutRule>

/** A full packet takes longer than a second: whoever wants less wants a rule. */
const leastRate = 1_000
/** Ten terabits: no interface is as fast. */
const mostRate = 1_250_000_000_000

const Rate = Type.Object(
  {
    rate: Type.Integer({ minimum: leastRate, maximum: mostRate, description: 'Bytes per second.' }),
    burst: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 0xffff_ffff,
        description: 'Bytes at once after a pause. 0 or absent: what the rate gives in 50 ms.',
      }),
    ),
  },
  closed,
)

/** A limit of one direction. */
export type Rate = Static<typeof Rate>

const Limits = Type.Union([
  Rate,
  Type.Object(
    {
      ingress: Type.Optional(Rate),
      egress: Type.Optional(Rate),
    },
    { ...closed, description: 'ingress: into the container.' },
  ),
])

/** Limits as a document has them. */
export type Limits = Static<typeof Limits>

const ContainerId = Type.String({
  minLength: 1,
  maxLength: 1024,
  description:
    'The handle of a container, or the id of a group that it is in: its `policy_group_id` or `app_id`.',
})
const DestinationPort = Type.Integer({ minimum: 1, maximum: 65535 })

/** As Cloud Foundry's policy server takes it. */
const ContainerPolicy = Type.Object(
  {
    source: Type.Object({ id: ContainerId }, closed),
    destination: Type.Object(
      {
        id: ContainerId,
        protocol: Type.Enum(['tcp', 'udp']),
        ports: Type.Object(
          { start: DestinationPort, end: DestinationPort },
          { ...closed, description: 'Both ends included.' },
        ),
      },
      closed,
    ),
  },
  closed,
)

/** One entry of `policies`: which containers of the network reach which others of it, and where. */
export type ContainerPolicy = Static<typeof ContainerPolicy>

const ofEndpoint = {
  version: Type.Optional(Type.Literal(1, { default: 1 })),
  net_in: Type.Optional(
    Type.Array(PortRequest, { description: 'Ports of the machine that lead to the container.' }),
  ),
  net_out: Type.Optional(
    Type.Array(NetOutRule, {
      description: 'Where the container may go, beside where all of its network may.',
    }),
  ),
  limits: Type.Optional(Limits),
} as const

/** The policy of one attachment to a network whose members reach each other. */
export const EndpointPolicyDocument = Type.Object(ofEndpoint, closed)

/** The policy of one attachment. */
export const PolicyDocument = Type.Object(
  {
    ...ofEndpoint,
    policies: Type.Optional(
      Type.Array(ContainerPolicy, {
        description:
          'In a network with `icc: false`: which of its containers reach which others. The entries of all its members count.',
      }),
    ),
  },
  closed,
)
export type PolicyDocument = Static<typeof PolicyDocument>

/** The members of a network's `config` that say what its members may do without rules of their own. */
export const egressConfig = {
  egress: Type.Optional(
    Type.Enum(['allow', 'deny'], {
      default: 'allow',
      description: 'Whether members may go where no rule of theirs says anything.',
    }),
  ),
  deny_networks: Type.Optional(
    Type.Array(AddressRange, {
      description: 'Where members may not go. Members of one network reach each other.',
    }),
  ),
  deny_precedence: Type.Optional(
    Type.Enum(['deny', 'rules'], {
      default: 'deny',
      description: 'Which wins where both say something: `deny_networks`, or `net_out` as in Garden.',
    }),
  ),
} as const

/** Those members of a `config`. */
export type EgressConfig = Static<ReturnType<typeof Type.Object<typeof egressConfig>>>
