// The tables of iptables-legacy, which nftables knows nothing of, though packets pass them as well. Read as that program
// reads them, by getsockopt(2).
import { readFileSync } from 'node:fs'
import { KernelError } from '../kernel-error.ts'
import { checked, closeDescriptor, libc } from '../libc.ts'
import { AF_INET, AF_INET6 } from '../netlink/constants.ts'
import { littleEndian, viewOf } from '../netlink/host-order.ts'
import { checkedCall } from '../system-error.ts'
import { type ChainRest, type EntryLayout, restOf } from './legacy-entries.ts'

const socket: (domain: number, type: number, protocol: number) => number = libc.func(
  'int socket(int domain, int type, int protocol)',
)
const getsockopt: (fd: number, level: number, name: number, value: Buffer, length: Buffer) => number =
  libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)')

/** SOCK_DGRAM, SOCK_CLOEXEC. */
const DATAGRAM_SOCKET = 2 | 0o2000000

/** IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES; those of IPv6 have the same numbers. */
const GET_INFO = 64
const GET_ENTRIES = 65
const NF_INET_FORWARD = 2
const NAME_LENGTH = 32

/** struct ipt_getinfo: name, hooks that it has, where the chain of each begins and its policy is, number of entries, their size. */
const INFO = { HOOKS: 32, START: 36, POLICY: 56, SIZE: 80, LENGTH: 84 } as const
/** struct ipt_get_entries: name, size, and the entries, which start at eight bytes. */
const ENTRIES = { SIZE: 32, START: 40 } as const

type Kind = EntryLayout & {
  readonly family: 'ip' | 'ip6'
  readonly domain: number
  readonly level: number
  readonly names: string
}

const kinds: readonly Kind[] = [
  {
    family: 'ip',
    domain: AF_INET,
    level: 0,
    names: 'ip_tables_names',
    selector: 84,
    flags: 82,
    goto: 0x02,
    offsets: 88,
    header: 112,
  },
  {
    family: 'ip6',
    domain: AF_INET6,
    level: 41,
    names: 'ip6_tables_names',
    selector: 136,
    flags: 131,
    goto: 0x04,
    offsets: 140,
    header: 168,
  },
]

/** The chain FORWARD of a legacy table. */
export type LegacyForwardChain = {
  readonly family: Kind['family']
  readonly table: string
  readonly rest: ChainRest
}

/**
 * Those of the namespace of the calling thread; none from a kernel without legacy tables. Only tables that are there are
 * asked for: the kernel would make, or load, one that is not. Throws a KernelError.
 */
export function listLegacyForwardChains(): LegacyForwardChain[] {
  return kinds.flatMap((kind) => tablesOf(kind).flatMap((table) => forwardChainOf(kind, table) ?? []))
}

/** Of the thread: /proc/net is that of the process's first one. */
function tablesOf({ names }: Kind): string[] {
  const path = `/proc/thread-self/net/${names}`
  try {
    const text = checkedCall(`read ${path}`, () => readFileSync(path, 'utf8'))
    return text.split('\n').filter((name) => name !== '')
  } catch (error) {
    if (KernelError.is(error, 'ENOENT')) return []
    throw error
  }
}

function forwardChainOf(kind: Kind, table: string): LegacyForwardChain | undefined {
  const operation = `read the legacy table ${kind.family} ${table}`
  const fd = checked(socket(kind.domain, DATAGRAM_SOCKET, 0), operation)
  try {
    const rest = readForward({ fd, kind, table, operation })
    return rest === undefined ? undefined : { family: kind.family, table, rest }
  } catch (error) {
    // Its module has gone since the names were read.
    if (KernelError.is(error, 'ENOPROTOOPT') || KernelError.is(error, 'ENOENT')) return undefined
    throw error
  } finally {
    closeDescriptor(fd)
  }
}

type Read = { readonly fd: number; readonly kind: Kind; readonly table: string; readonly operation: string }

const maxAttempts = 10

/** Again when it was replaced between its size and its entries, which the kernel answers with EAGAIN. */
function readForward(read: Read): ChainRest | undefined {
  for (let attempt = 1; ; attempt++) {
    try {
      return readOnce(read)
    } catch (error) {
      if (attempt === maxAttempts || !KernelError.is(error, 'EAGAIN')) throw error
    }
  }
}

/** Undefined for a table such as nat, which has no such chain. */
function readOnce(read: Read): ChainRest | undefined {
  const info = viewOf(getOption(read, GET_INFO, Buffer.alloc(INFO.LENGTH)))
  const number = (offset: number) => info.getUint32(offset, littleEndian)
  if ((number(INFO.HOOKS) & (1 << NF_INET_FORWARD)) === 0) return undefined
  const request = Buffer.alloc(ENTRIES.START + number(INFO.SIZE))
  viewOf(request).setUint32(ENTRIES.SIZE, number(INFO.SIZE), littleEndian)
  const entries = getOption(read, GET_ENTRIES, request).subarray(ENTRIES.START)
  const chain = {
    start: number(INFO.START + 4 * NF_INET_FORWARD),
    policy: number(INFO.POLICY + 4 * NF_INET_FORWARD),
  }
  return restOf(entries, chain, read.kind)
}

function getOption({ fd, kind, table, operation }: Read, option: number, value: Buffer): Buffer {
  value.write(table, 0, NAME_LENGTH - 1, 'latin1')
  const length = Buffer.alloc(4)
  viewOf(length).setUint32(0, value.length, littleEndian)
  checked(getsockopt(fd, kind.level, option, value, length), operation)
  return value
}
