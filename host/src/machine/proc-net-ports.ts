// The ports on which processes of the machine listen, out of /proc/net: for kernels that do not list sockets otherwise.
import { open } from 'node:fs/promises'
import { formatAddress } from '../ipam/index.ts'
import type { ListeningPort } from '../ports/index.ts'

/** `/proc/net` would be that of the process's first thread, which visits other namespaces. */
const directory = '/proc/thread-self/net'

const chunkBytes = 64 * 1024

/** TCP_LISTEN; UDP sockets that are bound and not connected are in TCP_CLOSE. */
const tcpListens = '0A'
const udpIsBound = '07'

const sources = [
  { file: 'tcp', protocol: 'tcp', state: tcpListens },
  { file: 'tcp6', protocol: 'tcp', state: tcpListens },
  { file: 'udp', protocol: 'udp', state: udpIsBound },
  { file: 'udp6', protocol: 'udp', state: udpIsBound },
] as const

export async function readProcNetPorts(): Promise<ListeningPort[]> {
  const all = await Promise.all(
    sources.map(async ({ file, protocol, state }) =>
      portsIn(await beginningOf(`${directory}/${file}`, state), state).map((place) => ({
        protocol,
        ...place,
      })),
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

/**
 * The kernel names TCP sockets that listen before those that are connected, of which there may be a hundred thousand: what
 * comes behind the first of these is not read. Empty on a kernel without IPv6.
 */
async function beginningOf(path: string, state: string): Promise<string> {
  const hasOther = new RegExp(`^\\s*\\d+: \\S+ \\S+ (?!${state})[0-9A-F]{2} `, 'm')
  const isTcp = state === tcpListens
  const chunk = Buffer.alloc(chunkBytes)
  let text = ''
  try {
    await using file = await open(path)
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length)
      const added = chunk.toString('latin1', 0, bytesRead)
      text += added
      if (bytesRead === 0 || (isTcp && hasOther.test(added))) return text
    }
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
