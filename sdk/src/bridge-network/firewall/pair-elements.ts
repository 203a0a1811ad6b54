// What members that are kept apart may send each other, as elements of the table for policies, and read back from it.
import { concatenate } from '../../linux/netfilter/index.ts'
import type { Pair } from '../policy/pairs.ts'
import { nameBytes } from './policy-chains.ts'
import type { Holding, TableElement } from './policy-elements.ts'
import { portBytes } from './policy-parts.ts'

/** Nothing but pairs passes between members of the bridge. */
export function apartHolding(bridge: string): Holding {
  const key = nameBytes(bridge)
  return { elements: [{ map: 'apart', key: concatenate(key, key), value: undefined }], chains: [] }
}

export function pairsHolding(pairs: readonly Pair[]): Holding {
  return { elements: pairs.map(elementOf), chains: [] }
}

/** The pairs among the elements. */
export function pairsIn(elements: Iterable<TableElement>): Pair[] {
  return [...elements].flatMap((element) => pairOf(element) ?? [])
}

/** A single port is found by its hash, whatever else there is. */
function elementOf({ source, destination, protocol, ports: { start, end } }: Pair): TableElement {
  const family = source.length === 4 ? 4 : 6
  const keyOf = (port: number) => concatenate(source, destination, Uint8Array.of(protocol), portBytes(port))
  if (start === end) return { map: `pairs${family}`, key: keyOf(start), value: undefined }
  return { map: `pair_ranges${family}`, key: keyOf(start), keyEnd: keyOf(end), value: undefined }
}

function pairOf({ map, key, keyEnd = key }: TableElement): Pair | undefined {
  if (!/^pair(s|_ranges)[46]$/.test(map)) return undefined
  const length = map.endsWith('4') ? 4 : 16
  return {
    source: key.subarray(0, length),
    destination: key.subarray(length, 2 * length),
    protocol: key[2 * length] ?? 0,
    ports: { start: key.readUInt16BE(2 * length + 4), end: keyEnd.readUInt16BE(2 * length + 4) },
  }
}
