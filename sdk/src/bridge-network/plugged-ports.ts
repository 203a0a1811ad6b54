// The ports that were plugged in this process's life, and what each should be. Somebody may take their aliases or their names
// away, and they are known all the same.
import type { Link, RouteRequest } from '../linux/index.ts'
import type { EndpointRef } from '../protocol/index.ts'
import { renameLink } from './bridge-device.ts'
import type { Machine } from './machine.ts'
import { endpointOfAlias } from './names.ts'
import { pin } from './port.ts'
import type { ExpectedPort } from './port-faults.ts'

export type PluggedPort = ExpectedPort & {
  readonly endpoint: EndpointRef
  readonly index: number
  readonly sandboxPath: string
  /** What it lacks in its sandbox since it was plugged, where the container has its own instead. */
  readonly lack: string | undefined
}

/** Of a network that is there. */
export type MtuChange = { readonly from: number; readonly to: number }

export class PluggedPorts {
  readonly #machine: Pick<Machine, 'rtnl' | 'names'>
  readonly #byName = new Map<string, PluggedPort>()

  constructor(machine: Pick<Machine, 'rtnl' | 'names'>) {
    this.#machine = machine
  }

  /** What the kernel should have there from now on. */
  note(plugged: PluggedPort): void {
    this.#byName.set(plugged.port.name, plugged)
  }

  all(): PluggedPort[] {
    return [...this.#byName.values()]
  }

  /** By the name that it should have. */
  get(name: string): PluggedPort | undefined {
    return this.#byName.get(name)
  }

  /** None of them from the moment that it is being taken away; one again if that fails, so that it may be repeated. */
  async remove(name: string, takeAway: () => Promise<void>): Promise<void> {
    const plugged = this.#byName.get(name)
    this.#byName.delete(name)
    try {
      await takeAway()
    } catch (error) {
      if (plugged !== undefined) this.note(plugged)
      throw error
    }
  }

  /** What lets the bridge know again where these MACs are, of those that are at ports of the network. */
  pinsOf(networkId: string, macAddresses: ReadonlySet<string>): RouteRequest[] {
    return this.all()
      .filter(({ endpoint, port }) => endpoint.networkId === networkId && port.isPinned)
      .filter(({ macAddress }) => macAddresses.has(macAddress.toLowerCase()))
      .map(({ index, macAddress }) => pin(index, macAddress))
  }

  /** The network has another MTU now: so are to have those that had its former one, or a larger one than it carries. */
  changeMtu(networkId: string, { from, to }: MtuChange): void {
    for (const plugged of this.all()) {
      const { endpoint, mtu } = plugged
      if (endpoint.networkId === networkId && (mtu === from || mtu > to)) this.note({ ...plugged, mtu: to })
    }
  }

  forgetAll(networkId: string): void {
    for (const [name, { endpoint }] of this.#byName) {
      if (endpoint.networkId === networkId) this.#byName.delete(name)
    }
  }

  /** Which of them the link is, if it is one. */
  at(link: Link): PluggedPort | undefined {
    const named = this.#byName.get(link.name)
    if (named !== undefined) return named
    const endpoint = endpointOfAlias(link)
    const plugged = endpoint && this.#byName.get(this.#machine.names.port(endpoint.endpointId))
    return plugged?.index === link.index ? plugged : undefined
  }

  /** The link of one that has another name now. */
  renamed(name: string): Link | undefined {
    const plugged = this.#byName.get(name)
    const link = plugged && this.#machine.rtnl.link(plugged.index)
    return link !== undefined && link.name !== name && this.at(link) === plugged ? link : undefined
  }

  /** Answers the name that it had. */
  nameBack(name: string): string | undefined {
    const link = this.renamed(name)
    if (link !== undefined) renameLink(this.#machine.rtnl, link.index, name)
    return link?.name
  }
}
