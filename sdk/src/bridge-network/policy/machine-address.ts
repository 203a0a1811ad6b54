// Addresses that no machine can be reached at by others, whoever asks for them.

/** Undefined: some machine may have it. Not asked of the unspecified address, nor of loopback. */
export function noMachinesAddress(bytes: Uint8Array): string | undefined {
  const [first = 0, second = 0] = bytes
  if (bytes.length === 16 && first === 0xfe && (second & 0xc0) === 0x80)
    return 'cannot be link-local, which does not say of which link'
  if (bytes.length === 16) return first === 0xff ? notOfOne : undefined
  if (first === 0) return 'is of no machine'
  return first >= 224 ? notOfOne : undefined
}

const notOfOne = 'is no address of one machine: multicast, broadcast or reserved'
