// Which ports are held, and by whom: found by port, whatever the number of mappings.
import type { PortMapping } from '@conet/sdk'
import { haveCommonAddress } from './host-addresses.ts'

export type PortOwner = { readonly holder: string; readonly mapping: PortMapping }

type Place = {
  readonly protocol: PortMapping['protocol']
  readonly port: number
  /** Undefined: all addresses. */
  readonly address: string | undefined
}

export class HeldPorts {
  readonly #byHolder = new Map<string, PortMapping[]>()
  readonly #byPort = new Map<number, PortOwner[]>()

  add(holder: string, mappings: readonly PortMapping[]): void {
    const own = this.#byHolder.get(holder) ?? []
    for (const mapping of mappings) {
      if (own.includes(mapping)) continue
      own.push(mapping)
      for (const port of portsOf(mapping)) {
        const owners = this.#byPort.get(port)
        if (owners === undefined) this.#byPort.set(port, [{ holder, mapping }])
        else owners.push({ holder, mapping })
      }
    }
    if (own.length > 0) this.#byHolder.set(holder, own)
  }

  /** Everything of the holder; returns what it had. */
  remove(holder: string): PortMapping[] {
    const own = this.#byHolder.get(holder) ?? []
    this.#byHolder.delete(holder)
    for (const port of new Set(own.flatMap(portsOf))) {
      const others = (this.#byPort.get(port) ?? []).filter((owner) => owner.holder !== holder)
      if (others.length === 0) this.#byPort.delete(port)
      else this.#byPort.set(port, others)
    }
    return own
  }

  /** Who has the port there, of those who count. */
  ownerOf({ protocol, port, address }: Place, counts: (owner: PortOwner) => boolean): PortOwner | undefined {
    return this.#byPort.get(port)?.find((owner) => {
      const { hostAddress, protocol: held } = owner.mapping
      return held === protocol && haveCommonAddress(hostAddress, address) && counts(owner)
    })
  }

  /** Those from `first` to `last` that anybody has. */
  portsIn(first: number, last: number): Set<number> {
    return new Set([...this.#byPort.keys()].filter((port) => port >= first && port <= last))
  }

  mappings(): PortMapping[] {
    return [...this.#byHolder.values()].flat()
  }
}

export function portsOf({ hostPort, count = 1 }: Pick<PortMapping, 'hostPort' | 'count'>): number[] {
  return Array.from({ length: count }, (_, index) => hostPort + index)
}
