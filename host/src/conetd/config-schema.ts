// The configuration file of conetd: its schema, published as host/config.schema.json.
import { IpAddress, maxSocketPathBytes, NetworkName } from '@conet/sdk'
import { CreateNetworkBody, DnsWish } from '@conet/sdk/api'
import { forms } from '@conet/sdk/forms'
import { type Static, Type } from 'typebox'
import { ClusterSection } from './cluster-section.ts'
import { TimeoutsSection } from './timeouts-section.ts'

const strict = { additionalProperties: false }

const SocketPath = Type.String({ pattern: forms.absolutePath.pattern, maxLength: maxSocketPathBytes })
const Directory = Type.String({ pattern: forms.absolutePath.pattern, maxLength: 4096 })

const Pool = Type.Object(
  {
    base: Type.String({ description: 'A block to cut subnets from: 10.0.0.0/8' }),
    size: Type.Integer({ minimum: 1, maximum: 126, description: 'The prefix length of each subnet' }),
  },
  strict,
)

const DriverRule = Type.Object(
  {
    minimum_version: Type.Optional(
      Type.String({ maxLength: 256, description: 'The oldest version that is used: 1.4.0' }),
    ),
    known_bad: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        maxItems: 64,
        description: 'Ranges of versions that are not used: ">=1.2.0 <1.2.4"',
      }),
    ),
  },
  strict,
)

const { type, labels, internal, subnets, ipv4, ipv6, dns, config, default_policy } =
  CreateNetworkBody.properties

const DefaultAttachment = Type.Object(
  {
    name: NetworkName,
    type,
    labels,
    internal,
    subnets,
    ipv4,
    ipv6,
    dns,
    config,
    default_policy,
  },
  strict,
)

export const LogLevel = Type.Enum(['debug', 'info', 'warn', 'error', 'silent'], {
  description: 'What is written on stderr: debug, info, warn, error or silent. Default: info',
})
export type LogLevel = Static<typeof LogLevel>

export const ConfigFile = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    socket: Type.Optional({ ...SocketPath, description: 'For clients. Default: conetd.sock in run_dir' }),
    runtime_socket: Type.Optional({
      ...SocketPath,
      description: 'For container runtimes. Default: beside socket, X.sock → X.runtime.sock',
    }),
    run_dir: Type.Optional({
      ...Directory,
      description: 'On tmpfs, emptied by a reboot. Default: /run/conet',
    }),
    state_dir: Type.Optional({ ...Directory, description: 'Kept over reboots. Default: /var/lib/conet' }),
    driver_dir: Type.Optional({
      ...Directory,
      description: 'Where drivers put their sockets. Default: drivers in run_dir',
    }),
    driver_program_dirs: Type.Optional(
      Type.Array(Directory, {
        maxItems: 64,
        description:
          'Where conet-driver-NAME is looked for first, before node_modules/.bin of conet’s own tree and PATH',
      }),
    ),
    spawn: Type.Optional(
      Type.Array(Type.String({ pattern: forms.driverName.pattern }), {
        maxItems: 64,
        description: 'Drivers that conetd starts and keeps running',
      }),
    ),
    drivers: Type.Optional(
      Type.Record(Type.String({ pattern: forms.driverName.pattern }), DriverRule, {
        ...strict,
        description: 'By the name of the driver: which versions of it are used',
      }),
    ),
    log_level: Type.Optional(LogLevel),
    external_address: Type.Optional({
      ...IpAddress,
      description: 'By which others know this machine. Default: that of its default route',
    }),
    cluster: Type.Optional({
      ...ClusterSection,
      description: 'The cluster that this host is part of, for networks that span hosts. Default: none',
    }),
    dns: Type.Optional({
      ...DnsWish,
      description: 'For containers whose networks and their drivers name no servers, domains or options',
    }),
    default_attachment: Type.Optional({
      ...DefaultAttachment,
      description:
        'The network of containers that a runtime starts and nobody has configured: made when the first of them starts, unless there is one of that name and type. Default: such a container is refused',
    }),
    legacy_api: Type.Optional(
      Type.Boolean({
        description: 'Whether Garden’s calls net/in, net/out and net/out/bulk are served. Default: true',
      }),
    ),
    address_pools: Type.Optional(
      Type.Object(
        {
          ipv4: Type.Optional(Type.Array(Pool, { maxItems: 64 })),
          ipv6: Type.Optional(Type.Array(Pool, { maxItems: 64 })),
        },
        { ...strict, description: 'Where the subnets come from that nobody chose' },
      ),
    ),
    ports: Type.Optional(
      Type.Object(
        {
          start: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 65_535, description: 'The first port. Default: 61001' }),
          ),
          size: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 65_535, description: 'How many there are. Default: 4534' }),
          ),
        },
        { ...strict, description: 'The ports of this machine that containers get who ask for any free one' },
      ),
    ),
    timeouts: Type.Optional(TimeoutsSection),
  },
  { ...strict, title: 'The configuration file of conetd' },
)
export type ConfigFile = Static<typeof ConfigFile>

/** The document as it is published. */
export function configSchemaDocument(): Record<string, unknown> {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...ConfigFile }
}
