// The ports on which processes of the machine listen. Read anew each time: nobody says when it changes.
import { readFile } from 'node:fs/promises'
import { formatAddress } from '../ipam/index.ts'
import type { ListeningPort } from '../ports/index.ts'

/** `/proc/net` would be that of the process's first thread, which visits other namespaces. */
const directory = '/proc/thread-self/net'

/** TCP sockets that listen (TCP_LISTEN), and UDP sockets that are bound and not connected (TCP_CLOSE). */
const sources = [
  { file: 'tcp', protocol: 'tcp', state: '0A' },
  { file: 'tcp6', protocol: 'tcp', state: '0A' },
  { file: 'udp', protocol: 'udp', state: '07' },
  { file: 'udp6', protocol: 'udp', state: '07' },
] as const

export async function readListeningPorts(): Promise<ListeningPort[]> {
  const all = await Promise.all(
    sources.map(async ({ file, protocol, state }) =>
      portsIn(await textOf(`${directory}/${file}`), state).map((place) => ({ protocol, ...place })),
    ),
  )
  return all.flat()
}

/** `   0: 0100007F:1F90 00000000:0000 0A …`: number, local and remote address, state. */
export function portsIn(text: string, state: string): Pick<ListeningPort, 'port' | 'address'>[] {
  const line = new RegExp(`^\\s*\\d+: ([0-9A-F]{8,32}):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ${state} `, 'gm')
  return [...text.matchAll(line)].map(([, address = '', port = '']) => ({
    port: Number.parseInt(port, 16),
    address: addressOf(address),
  }))
}

/** A kernel without IPv6 has no such files. */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

/** 32-bit words, each in the machine's own order: the last byte comes first. Undefined: all addresses. */
function addressOf(hex: string): string | undefined {
  if (/^0+$/.test(hex)) return undefined
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
  const mapped = bytes.slice(0, 12).join('') === '00000000000000000000FFFF'
  if (mapped)
    return bytes
      .slice(12)
      .map((byte) => Number.parseInt(byte, 16))
      .join('.')
  return formatAddress({ family: 6, value: BigInt(`0x${bytes.join('')}`) })
}
