// The part of the configuration file that makes a host part of a cluster.
import { IpAddress } from '@conet/sdk'
import { forms } from '@conet/sdk/forms'
import { type Static, Type } from 'typebox'

const strict = { additionalProperties: false }

const File = Type.String({ pattern: forms.absolutePath.pattern, maxLength: 4096 })

export const ClusterSection = Type.Object(
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
    insecure_skip_tls_verify: Type.Optional(
      Type.Boolean({
        description:
          'Whoever answers is taken for etcd, whatever certificate it shows; for tests. Default: false',
      }),
    ),
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
    await_hosts_ms: Type.Optional(
      Type.Integer({
        minimum: 2_000,
        maximum: 3_600_000,
        description:
          'After etcd has lost what it held: how long at most no host takes further addresses while others have not put back theirs. That of the host that finds it out. Default: 30000',
      }),
    ),
  },
  strict,
)
export type ClusterSection = Static<typeof ClusterSection>
