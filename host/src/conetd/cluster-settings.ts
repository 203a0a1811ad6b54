// What conetd is told of the cluster that it is part of.
import { hostname } from 'node:os'
import { checkPassword, checkTls } from '../cluster/etcd-files.ts'
import type { EtcdOptions, EtcdUser } from '../cluster/etcd-identity.ts'
import { wrongSetting } from '../cluster/wrong-setting.ts'
import { formatAddress, readAddress } from '../ipam/address.ts'
import type { ClusterSection } from './cluster-section.ts'

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
  if (store === undefined) throw missing('store', 'for example etcd://10.0.0.1:2379,10.0.0.2:2379')
  if (underlayAddress === undefined) throw missing('underlay_address', 'for example 10.0.0.7')
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
    throw missing(cert === undefined ? 'cert' : 'key', 'a file, in PEM')
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
  if (user === undefined) throw missing('user', 'the user of etcd whose password it is')
  const [, name, password] = /^([^:]*)(?::(.*))?$/s.exec(user) ?? []
  if (!name) throw wrongSetting('user', 'has no name before its colon: NAME, or NAME:PASSWORD')
  if (passwordFile !== undefined) {
    if (password !== undefined)
      throw wrongSetting(
        'user',
        'has a password, and there is a file for it: give one of them, best the file',
      )
    checkPassword(passwordFile)
    return { name, passwordFile }
  }
  if (password) return { name, password }
  throw missing('password_file', 'a file with the password and nothing else')
}

function endpointOf(member: string): string {
  // Not repeated: there may be a password in it.
  if (member.includes('@')) throw wrongSetting('store', 'has a user in it, who belongs into --cluster-user')
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

function missing(key: string, hint: string) {
  return wrongSetting(key, `is missing: ${hint}`)
}
