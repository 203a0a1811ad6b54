// Netlink speaks the byte order of the machine. One place knows it.
import { endianness } from 'node:os'

/** For DataView's last argument. */
export const littleEndian = endianness() === 'LE'

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Netlink pads every message and attribute to four bytes. */
export function aligned(length: number): number {
  return (length + 3) & ~3
}
