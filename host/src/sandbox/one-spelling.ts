// Addresses with the lengths of their prefixes, to be compared: a driver may write them as it likes, the kernel has one way.
import { formatPrefix, parsePrefix } from '@conet/sdk/linux'

/** As the kernel has it: `FD00:0::1/64` is `fd00::1/64`. */
export function inOneSpelling(prefix: string): string {
  const { bytes, prefixLength } = parsePrefix(prefix)
  return formatPrefix(bytes, prefixLength)
}
