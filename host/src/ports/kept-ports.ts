// Which ports an endpoint keeps when it gets other wishes.
import type { PortMapping } from '@conet/sdk'
import type { PortWish } from './port-wishes.ts'

/** What an endpoint asked for, and what it got for that. */
export type GivenPorts = { readonly wishes: readonly PortWish[]; readonly mappings: readonly PortMapping[] }

/** What an endpoint has that it keeps when it gets other wishes. */
export function stayingPorts(wishes: readonly PortWish[], former: GivenPorts): PortMapping[] {
  return keptOf(wishes, former).filter((mapping) => mapping !== undefined)
}

/** For each wish, what its like has got before: first of all the same call, or the document. */
export function keptOf(
  wishes: readonly PortWish[],
  former: GivenPorts | undefined,
): (PortMapping | undefined)[] {
  const left = new Map<string, Given[]>()
  for (const [index, wish] of former?.wishes.entries() ?? []) {
    const mapping = former?.mappings[index]
    if (mapping !== undefined) listIn(left, likeText(wish)).push({ call: wish.call, mapping })
  }
  const take = (wish: PortWish, fits: (given: Given) => boolean) => {
    const likes = left.get(likeText(wish)) ?? []
    const found = likes.findIndex(fits)
    return found < 0 ? undefined : likes.splice(found, 1)[0]?.mapping
  }
  const same = wishes.map((wish) => take(wish, ({ call }) => call === wish.call))
  return wishes.map((wish, index) => same[index] ?? take(wish, () => true))
}

type Given = { readonly call: number | undefined; readonly mapping: PortMapping }

function likeText({ protocol, hostPort, containerPort, count, hostAddress }: PortWish): string {
  return [protocol, hostPort, containerPort, count, hostAddress].join()
}

function listIn<T>(lists: Map<string, T[]>, key: string): T[] {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
}
