// The address by which others know this machine: the one that it would send from to the world. Asked of the kernel by
// connecting a UDP socket, which sends nothing.
import { createSocket } from 'node:dgram'

/** Documentation addresses: any that is not local does. */
const world = { udp4: '192.0.2.1', udp6: '2001:db8::1' } as const

/** How long an answer is taken for true: routes seldom change, and views are asked for often. */
const freshMs = 10_000

export class ExternalAddress {
  readonly #configured: string | undefined
  #found: string | undefined
  #askedAt = Number.NEGATIVE_INFINITY

  /** `configured` stands whatever the kernel says. */
  constructor(configured?: string) {
    this.#configured = configured
  }

  /** As it was found last; asks anew when that is long ago. Undefined: there is no way out, or no answer yet. */
  get current(): string | undefined {
    if (this.#configured !== undefined) return this.#configured
    if (performance.now() - this.#askedAt > freshMs) void this.refresh()
    return this.#found
  }

  /** Resolves when the answer is there. */
  async refresh(): Promise<void> {
    this.#askedAt = performance.now()
    this.#found = (await sourceAddress('udp4')) ?? (await sourceAddress('udp6'))
  }
}

function sourceAddress(family: 'udp4' | 'udp6'): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(family)
    const answer = (address: string | undefined) => {
      socket.close()
      resolve(address)
    }
    // No route, or no such family on this machine: there is no such address.
    socket.once('error', () => answer(undefined))
    socket.once('connect', () => answer(socket.address().address))
    socket.connect(9, world[family])
  })
}
