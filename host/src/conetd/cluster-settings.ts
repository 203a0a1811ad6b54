// What conetd is told of the cluster that it is part of.
import { hostname } from 'node:os'
import type { EtcdOptions, EtcdUser } from '../cluster/etcd-identity.ts'
import { formatAddress, readAddress } from '../ipam/address.ts'
import { checkPassword, checkTls } from './cluster-files.ts'
import type { ClusterSection } from './cluster-section.ts'
import { wrongSetting } from './cluster-setting-error.ts'

export type ClusterSettings = {
  /** This host's name, unique in the cluster. */
  readonly node: string
  /** Under which other hosts reach this one's tunnels; as the kernel writes it. */
  readonly underlayAddress: string
  /** The most addresses of a block, as a power of two. */
  readonly blockBits: number
  /** After etcd has lost what it held: how long hosts are waited for. */
  readonly awaitHostsMs: number
  readonly etcd: EtcdOptions
}

const defaultPort = 2379
const largestPort = 65_535
const defaultBlockBits = 6
const defaultAwaitHostsMs = 30_000

/** Undefined: this host is in no cluster. Throws `invalidArgument` that names what is missing or wrong. */
export function readClusterSettings(section: ClusterSection | undefined): ClusterSettings | undefined {
  if (section === undefined) return undefined
  const { store, node = hostname(), underlay_address: underlayAddress } = section
  if (store === undefined)
    throw missing('store', '--cluster', 'for example etcd://10.0.0.1:2379,10.0.0.2:2379')
  if (underlayAddress === undefined)
    throw missing('underlay_address', '--underlay-address', 'for example 10.0.0.7')
  return {
    node,
    underlayAddress: ownAddress(underlayAddress),
    blockBits: section.block_bits ?? defaultBlockBits,
    awaitHostsMs: section.await_hosts_ms ?? defaultAwaitHostsMs,
    etcd: etcdOptions(store, section),
  }
}

function etcdOptions(store: string, section: ClusterSection): EtcdOptions {
  const { ca, cert, key, insecure_skip_tls_verify: skipsVerification = false } = section
  if ((cert === undefined) !== (key === undefined))
    throw missing(
      cert === undefined ? 'cert' : 'key',
      cert === undefined ? '--cluster-cert' : '--cluster-key',
      'a file, in PEM',
    )
  const isTls = store.startsWith('etcds://') || ca !== undefined || cert !== undefined || skipsVerification
  const tls = {
    ...(ca && { caFile: ca }),
    ...(cert && { certFile: cert }),
    ...(key && { keyFile: key }),
    ...(skipsVerification && { skipsVerification }),
  }
  checkTls(tls)
  const user = userOf(section)
  return {
    endpoints: store
      .slice(store.indexOf('://') + 3)
      .split(',')
      .map(endpointOf),
    ...(isTls && { tls }),
    ...(user && { user }),
  }
}

/** As etcdctl has it: the password follows the name, unless it comes by itself. */
function userOf({ user, password_file: passwordFile }: ClusterSection): EtcdUser | undefined {
  if (user === undefined && passwordFile === undefined) return undefined
  if (user === undefined) throw missing('user', '--cluster-user', 'the user of etcd whose password it is')
  if (passwordFile !== undefined) {
    checkPassword(passwordFile)
    return { name: user, passwordFile }
  }
  const colon = user.indexOf(':')
  if (colon > 0) return { name: user.slice(0, colon), password: user.slice(colon + 1) }
  throw missing('password_file', '--cluster-password-file', 'a file with the password and nothing else')
}

function endpointOf(member: string): string {
  const [, host, port = String(defaultPort)] = /^(\[[^[\]]+\]|[^:[\]]+)(?::(\d+))?$/.exec(member) ?? []
  if (host !== undefined && Number(port) >= 1 && Number(port) <= largestPort) return `${host}:${port}`
  const what = `has ${JSON.stringify(member)}, which is no member of etcd`
  throw wrongSetting('store', `${what}: HOST, HOST:PORT, [IPV6] or [IPV6]:PORT`)
}

/** How far to shift, and what is left then: loopback, groups, and the reserved end of IPv4 with the broadcast address. */
const notOfOneHost: Record<4 | 6, readonly (readonly [bits: bigint, head: bigint])[]> = {
  4: [
    [24n, 127n],
    [28n, 14n],
    [28n, 15n],
  ],
  6: [
    [0n, 1n],
    [120n, 255n],
  ],
}

function ownAddress(text: string): string {
  const address = readAddress(text)
  if (!address.ok) throw wrongSetting('underlay_address', address.reason)
  const { family, value } = address.value
  const isOfNoHost = value === 0n || notOfOneHost[family].some(([bits, head]) => value >> bits === head)
  if (!isOfNoHost) return formatAddress(address.value)
  throw wrongSetting('underlay_address', `${text} is no address under which other hosts reach this one`)
}

function missing(key: string, flag: string, hint: string) {
  return wrongSetting(key, `is missing (${flag}): ${hint}`)
}
