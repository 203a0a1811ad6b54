// Garden's own words in the host's HTTP API: what Guardian hands over when a container starts, and the bodies of the
// legacy calls. Field names and meanings are Garden's.
import { type Static, Type } from 'typebox'

const strict = { additionalProperties: false }

const Port = Type.Integer({ minimum: 0, maximum: 65535 })
const Text = Type.String({ minLength: 1, maxLength: 256 })

/** A port of the host that leads into the container. Host port 0: one of the pool; container port 0: the same number. */
export const GardenNetIn = Type.Object(
  { host_port: Type.Optional(Port), container_port: Type.Optional(Port) },
  strict,
)
export type GardenNetIn = Static<typeof GardenNetIn>

/** What a container may reach. `protocol`: 0 all, 1 tcp, 2 udp, 3 icmp, 4 icmpv6. */
export const GardenNetOutRule = Type.Object(
  {
    protocol: Type.Optional(Type.Integer({ minimum: 0, maximum: 4 })),
    networks: Type.Optional(
      Type.Union([
        Type.Null(),
        Type.Array(Type.Object({ start: Type.Optional(Text), end: Type.Optional(Text) }, strict), {
          maxItems: 4096,
        }),
      ]),
    ),
    ports: Type.Optional(
      Type.Union([
        Type.Null(),
        Type.Array(Type.Object({ start: Type.Optional(Port), end: Type.Optional(Port) }, strict), {
          maxItems: 4096,
        }),
      ]),
    ),
    icmps: Type.Optional(
      Type.Union([
        Type.Null(),
        Type.Object(
          {
            type: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
            code: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 0, maximum: 255 })])),
          },
          strict,
        ),
      ]),
    ),
    log: Type.Optional(Type.Boolean()),
  },
  strict,
)
export type GardenNetOutRule = Static<typeof GardenNetOutRule>

/** Properties of a container, as Garden keeps them. */
export const GardenProperties = Type.Record(
  Type.String({ maxLength: 1024 }),
  Type.String({ maxLength: 256 * 1024 }),
)
export type GardenProperties = Static<typeof GardenProperties>
