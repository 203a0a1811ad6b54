// Ports of the machine that lead to an endpoint. The machine has one set of them, whatever drivers there are: the host
// gives them out, a driver only says where a document asks for some.
import { type Static, Type } from 'typebox'
import { IpAddress } from './primitives.ts'

/** The protocols whose ports can be mapped. */
export const PortProtocol = Type.Union([Type.Literal('tcp'), Type.Literal('udp'), Type.Literal('sctp')])
export type PortProtocol = Static<typeof PortProtocol>

const Port = Type.Integer({ minimum: 1, maximum: 65535 })
const AnyPort = Type.Integer({ minimum: 0, maximum: 65535 })
const Count = Type.Integer({ minimum: 1, maximum: 65535 })

/** Ports of the machine, and the ports of the endpoint to which they lead. */
export const PortMapping = Type.Object({
  protocol: PortProtocol,
  hostPort: Port,
  containerPort: Port,
  /** So many ports in a row, on both sides. Default 1. */
  count: Type.Optional(Count),
  /** The address of the machine at which the ports are; absent: at all of them, IPv4 and IPv6. */
  hostAddress: Type.Optional(IpAddress),
})
export type PortMapping = Static<typeof PortMapping>

/**
 * What a policy document says where it asks for ports: an element of the member that `ports.policyMember` names.
 * Written as users write documents. A driver's `policySchema` should take the member as an array of these.
 */
export const PortRequest = Type.Object(
  {
    /** Default `tcp`. */
    protocol: Type.Optional(PortProtocol),
    /** 0 or absent: a free one, or as many in a row as `count` says, from the host's pool. */
    host_port: Type.Optional(AnyPort),
    /** 0 or absent: the same as the host port. */
    container_port: Type.Optional(AnyPort),
    /** Default 1. */
    count: Type.Optional(Count),
    /** An address of the machine. Default: all. */
    host_address: Type.Optional(IpAddress),
  },
  { additionalProperties: false },
)
export type PortRequest = Static<typeof PortRequest>

/** Where the policy documents of a driver ask for ports of the machine. */
export const Ports = Type.Object({
  /** The member of the document that is an array of PortRequest: `net_in`. */
  policyMember: Type.String({ minLength: 1, maxLength: 128 }),
})
export type Ports = Static<typeof Ports>
