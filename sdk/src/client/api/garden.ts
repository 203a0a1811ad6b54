// Garden's own words in the host's HTTP API: what Guardian hands over when a container starts, and the bodies of the
// legacy calls. Field names and meanings are Garden's; as in Go, `null` is as good as absent, and members that nobody
// knows are passed over.
import { type Static, type TSchema, Type } from 'typebox'
import { forms } from '../../fields/forms.ts'

const orNull = <S extends TSchema>(schema: S) => Type.Optional(Type.Union([Type.Null(), schema]))

const Port = Type.Integer({ minimum: 0, maximum: 65535 })
const Address = Type.String({ maxLength: 64 })
const IcmpNumber = Type.Integer({ minimum: 0, maximum: 255 })

/** A port of the host that leads into the container. Host port 0: one of the pool; container port 0: the same number. */
export const GardenNetIn = Type.Object({ host_port: orNull(Port), container_port: orNull(Port) })
export type GardenNetIn = Static<typeof GardenNetIn>

/** The ports that were mapped. */
export const GardenMappedPort = Type.Object({ host_port: Port, container_port: Port })
export type GardenMappedPort = Static<typeof GardenMappedPort>

/** What a container may reach. `protocol`: 0 all, 1 tcp, 2 udp, 3 icmp, 4 icmpv6. */
export const GardenNetOutRule = Type.Object({
  protocol: orNull(Type.Integer({ minimum: 0, maximum: 4 })),
  networks: orNull(
    Type.Array(Type.Object({ start: orNull(Address), end: orNull(Address) }), { maxItems: 16_384 }),
  ),
  ports: orNull(Type.Array(Type.Object({ start: orNull(Port), end: orNull(Port) }), { maxItems: 16_384 })),
  icmps: orNull(Type.Object({ type: orNull(IcmpNumber), code: orNull(IcmpNumber) })),
  log: orNull(Type.Boolean()),
})
export type GardenNetOutRule = Static<typeof GardenNetOutRule>

/** Body of `netOutBulk`. */
export const GardenNetOutRules = Type.Array(GardenNetOutRule, { maxItems: 16_384 })
export type GardenNetOutRules = Static<typeof GardenNetOutRules>

/** How Garden tells a failure. */
export const GardenError = Type.Object({
  /** Empty but for `ContainerNotFoundError`. */
  Type: Type.String(),
  Message: Type.String(),
  Handle: Type.String(),
  ProcessID: Type.String(),
  Binary: Type.String(),
})
export type GardenError = Static<typeof GardenError>

/** Properties of a container, as Garden keeps them. */
export const GardenProperties = Type.Record(
  // Not `.`: a key with a line break in it would go by unchecked.
  Type.String({ pattern: forms.labelKey.pattern }),
  Type.String({ maxLength: 256 * 1024 }),
  { additionalProperties: false },
)
export type GardenProperties = Static<typeof GardenProperties>
