// What is wrong with a network or an endpoint, as the lists say it.
import { maxFaultLength } from '../protocol/index.ts'

/** Undefined where nothing is. What goes beyond the limit of the protocol is cut off: its beginning says enough. */
export function faultText(faults: readonly string[]): string | undefined {
  return faults.length === 0 ? undefined : faults.join('; ').slice(0, maxFaultLength)
}
