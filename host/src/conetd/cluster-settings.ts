// What conetd is told of the cluster that it is part of.
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { ConetError, type FieldError } from '@conet/sdk'
import type { EtcdOptions } from '../cluster/etcd-store.ts'
import type { ClusterSection } from './config-schema.ts'

export type ClusterSettings = {
  /** This host's name, unique in the cluster. */
  readonly node: string
  /** Under which other hosts reach this one's tunnels. */
  readonly underlayAddress: string
  /** The most addresses of a block, as a power of two. */
  readonly blockBits: number
  readonly etcd: EtcdOptions
}

const defaultPort = 2379
const defaultBlockBits = 6

/** Undefined: this host is in no cluster. Throws `invalidArgument` that names what is missing or wrong. */
export function readClusterSettings(section: ClusterSection | undefined): ClusterSettings | undefined {
  if (section === undefined) return undefined
  const { store, node = hostname(), underlay_address: underlayAddress, block_bits: blockBits } = section
  if (store === undefined) throw missing('store', '--cluster', 'etcd://10.0.0.1:2379,10.0.0.2:2379')
  if (underlayAddress === undefined) throw missing('underlay_address', '--underlay-address', '10.0.0.7')
  return {
    node,
    underlayAddress,
    blockBits: blockBits ?? defaultBlockBits,
    etcd: etcdOptions(store, section),
  }
}

function etcdOptions(store: string, section: ClusterSection): EtcdOptions {
  const { ca, cert, key, user, password_file: passwordFile } = section
  if ((cert === undefined) !== (key === undefined))
    throw missing(
      cert === undefined ? 'cert' : 'key',
      cert === undefined ? '--cluster-cert' : '--cluster-key',
      'a file, in PEM',
    )
  if ((user === undefined) !== (passwordFile === undefined))
    throw user === undefined
      ? missing('user', '--cluster-user', 'the user of etcd whose password it is')
      : missing('password_file', '--cluster-password-file', 'a file with the password and nothing else')
  const isTls = store.startsWith('etcds://') || ca !== undefined || cert !== undefined
  const tls = { ...(ca && { caFile: ca }), ...(cert && { certFile: cert }), ...(key && { keyFile: key }) }
  return {
    endpoints: store
      .slice(store.indexOf('://') + 3)
      .split(',')
      .map(withPort),
    ...(isTls && { tls }),
    ...(user !== undefined &&
      passwordFile !== undefined && { user: { name: user, password: readPassword(passwordFile) } }),
  }
}

function withPort(endpoint: string): string {
  return /:\d+$/.test(endpoint) && !/^\[[^\]]*$/.test(endpoint) ? endpoint : `${endpoint}:${defaultPort}`
}

function readPassword(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw invalid({ path: 'cluster.password_file', message: `cannot be read: ${why}` })
  }
}

function missing(key: string, flag: string, example: string): ConetError {
  return invalid({ path: `cluster.${key}`, message: `is missing (${flag}): ${example}` })
}

function invalid(field: FieldError): ConetError {
  return new ConetError('invalidArgument', `cluster: ${field.path} ${field.message}`, {
    fields: [field],
    help: 'docs/operating.md, section "A cluster", has all that is needed',
  })
}
