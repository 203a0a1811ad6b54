// What neighbours and forwarding entries have in common: to the kernel both are neighbours, of different families.
import { PayloadWriter } from '../netlink/payload-writer.ts'
import { checkedIndex } from './link-attributes.ts'

/** struct ndmsg. */
export const HEADER_LENGTH = 12
export const NDA = { DST: 1, LLADDR: 2, VLAN: 5, PORT: 6, VNI: 7, IFINDEX: 8, MASTER: 9, NH_ID: 13 } as const
export const NTF = {
  SELF: 0x2,
  MASTER: 0x4,
  PROXY: 0x8,
  EXT_LEARNED: 0x10,
  STICKY: 0x40,
  ROUTER: 0x80,
} as const

export const neighbourStates = {
  none: 0x0,
  incomplete: 0x1,
  reachable: 0x2,
  stale: 0x4,
  delay: 0x8,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
} as const

type Header = { family: number; link: number; state?: number; flags?: number }

/** An entry with all of its attributes takes less; there may be ten thousand. */
const capacity = 64

export function writeHeader({ family, link, state = 0, flags = 0 }: Header): PayloadWriter {
  const writer = new PayloadWriter({ capacity })
  return writer.u8(family).zeros(3).u32(checkedIndex(link)).u16(state).u8(flags).u8(0)
}

/** In a dump the link is a filter, and may be absent. */
export function dumpHeader(family: number, link = 0): PayloadWriter {
  return new PayloadWriter().u8(family).zeros(3).u32(link).u32(0)
}
