// The configuration file of conetd: its schema, published as host/config.schema.json.
import { IpAddress, NetworkName } from '@conet/sdk'
import { CreateNetworkBody, DnsWish } from '@conet/sdk/api'
import { forms } from '@conet/sdk/forms'
import { type Static, Type } from 'typebox'

const strict = { additionalProperties: false }

/** sun_path of unix(7) has 108 bytes, the last one is the terminating zero. */
const SocketPath = Type.String({ pattern: forms.absolutePath.pattern, maxLength: 107 })
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

const File = Type.String({ pattern: forms.absolutePath.pattern, maxLength: 4096 })

const ClusterSection = Type.Object(
  {
    store: Type.Optional(
      Type.String({
        pattern: forms.clusterStore.pattern,
        maxLength: 4096,
        description: 'The members of etcd: etcd://10.0.0.1:2379,10.0.0.2:2379; etcds:// with TLS',
      }),
    ),
    node: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$',
        description: 'This host’s name in the cluster. Default: its hostname',
      }),
    ),
    underlay_address: Type.Optional({
      ...IpAddress,
      description: 'This host’s own address, to which the tunnels of other hosts lead',
    }),
    ca: Type.Optional({ ...File, description: 'Certificates of authorities that etcd’s may be signed by' }),
    cert: Type.Optional({ ...File, description: 'The certificate that this host shows to etcd' }),
    key: Type.Optional({ ...File, description: 'The key of that certificate' }),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'The user of etcd' })),
    password_file: Type.Optional({ ...File, description: 'A file with the password of that user' }),
    block_bits: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 16,
        description:
          'The most addresses of a block that a host takes of a network, as a power of two. Default: 6, which is 64',
      }),
    ),
  },
  strict,
)
export type ClusterSection = Static<typeof ClusterSection>

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
    timeouts: Type.Optional(
      Type.Object(
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
      ),
    ),
  },
  { ...strict, title: 'The configuration file of conetd' },
)
export type ConfigFile = Static<typeof ConfigFile>

/** The document as it is published. */
export function configSchemaDocument(): Record<string, unknown> {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...ConfigFile }
}
