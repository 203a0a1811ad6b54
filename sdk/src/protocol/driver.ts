// What the host asks of a driver as a whole: whether it is well, and to hand over to another instance.
import { type Static, Type } from 'typebox'

/** Result of `driver/probe`: what the author's code finds when it looks at what the driver depends on. */
export const ProbeResult = Type.Object({
  healthy: Type.Boolean(),
  checks: Type.Array(
    Type.Object({
      name: Type.String({ minLength: 1, maxLength: 128 }),
      ok: Type.Boolean(),
      message: Type.Optional(Type.String({ maxLength: 4096 })),
    }),
  ),
})
export type ProbeResult = Static<typeof ProbeResult>
