// Flows of UDP to ports of endpoints that were plugged just now. A look for them keeps a processor for 10 ms, in which a kernel
// without preemption runs nothing else there: so it does not come on the heels of the answer, and is one for many plugs.
import { isUdp, type MappedPort } from './flow-cuts.ts'

/** Who sends to a port that has just come waits so long at most; before, nobody answered there. */
const delayMs = 50

/** Owns a timer and the look under way; close it when done. */
export class FreshPorts {
  readonly #cutOver: (ports: readonly MappedPort[]) => Promise<void>
  readonly #byOwner = new Map<string, readonly MappedPort[]>()
  #timer: NodeJS.Timeout | undefined
  #look: Promise<void> = Promise.resolve()

  /** `cutOver` ends the flows to these ports that lead elsewhere, and does not fail. */
  constructor(cutOver: (ports: readonly MappedPort[]) => Promise<void>) {
    this.#cutOver = cutOver
  }

  /** The owner has these ports now, and had none before. */
  add(owner: string, ports: readonly MappedPort[]): void {
    if (!ports.some(isUdp)) return
    this.#byOwner.set(owner, ports)
    this.#timer ??= setTimeout(() => this.#begin(), delayMs).unref()
  }

  /** The owner has no ports any more: where they lead then is right. */
  delete(owner: string): void {
    this.#byOwner.delete(owner)
  }

  /** Does at once what is left to do. May be repeated. */
  async close(): Promise<void> {
    this.#begin()
    await this.#look
  }

  #begin(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const ports = [...this.#byOwner.values()].flat()
    this.#byOwner.clear()
    if (ports.length > 0) this.#look = this.#look.then(() => this.#cutOver(ports))
  }
}
