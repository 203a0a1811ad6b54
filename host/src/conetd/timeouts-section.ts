// The part of the configuration file that says how long conetd waits for what.
import { Type } from 'typebox'

const strict = { additionalProperties: false }

export const TimeoutsSection = Type.Object(
  {
    driver_call_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 600_000,
        description: 'How long a driver may take for one call on a network or endpoint. Default: 30000',
      }),
    ),
    driver_most_call_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 3_600_000,
        description: 'The most that a driver’s word of progress can extend a call to. Default: 300000',
      }),
    ),
    driver_rollback_ms: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 600_000,
        description:
          'How long a driver from which another instance took over is kept, in case that one fails. Default: 30000',
      }),
    ),
    driver_ping_interval_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 600_000,
        description: 'How often a driver is asked whether it still answers. Default: 10000',
      }),
    ),
    driver_ping_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 60_000,
        description:
          'How long a driver may take to answer that; after three in a row without an answer it is connected anew. Default: 3000',
      }),
    ),
    driver_look_ms: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 86_400_000,
        description:
          'How often drivers are asked whether they have what they should have, which is mended then; 0: never. Default: 60000',
      }),
    ),
    process_gone_ms: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 86_400_000,
        description:
          'From the end of a container’s process to its down, if the runtime does not say so before; 0: never. Default: 60000',
      }),
    ),
    unused_config_ms: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 31_536_000_000,
        description:
          'How long the configuration of a container is kept that never comes up; 0: for ever. Default: 0',
      }),
    ),
    stop_ms: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 600_000,
        description: 'How long operations under way may take to end when conetd stops. Default: 10000',
      }),
    ),
  },
  strict,
)
