// Flows of UDP to ports of endpoints that were plugged just now. A look for them keeps a processor for 10 ms, in which a kernel
// without preemption runs nothing else there: so it does not come on the heels of the answer, and is one for many plugs. But where a
// glance shows that there are such flows, they are cut before the answer.
import { isUdp, type MappedPort } from './flow-cuts.ts'

/** Who sends to a port that has just come waits so long at most; before, nobody answered there. */
const delayMs = 50

type FlowLooks = {
  /** Ends the flows to these ports that lead elsewhere, and does not fail. */
  cutOver(ports: readonly MappedPort[]): Promise<void>
  /** Whether a glance shows flows to one of them. */
  isInUse(ports: readonly MappedPort[]): boolean
}

/** Owns a timer and the look under way; close it when done. */
export class FreshPorts {
  readonly #looks: FlowLooks
  readonly #byOwner = new Map<string, readonly MappedPort[]>()
  #timer: NodeJS.Timeout | undefined
  #look: Promise<void> = Promise.resolve()

  constructor(looks: FlowLooks) {
    this.#looks = looks
  }

  /** The owner has these ports now, and had none before. */
  async add(owner: string, ports: readonly MappedPort[]): Promise<void> {
    if (!ports.some(isUdp)) return
    if (this.#looks.isInUse(ports)) return await this.#looks.cutOver(ports)
    this.#byOwner.set(owner, ports)
    this.#timer ??= setTimeout(() => this.#begin(), delayMs).unref()
  }

  /** The owner has other ports now. */
  change(owner: string, ports: readonly MappedPort[]): void {
    if (this.#byOwner.has(owner)) this.#byOwner.set(owner, ports)
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
    if (ports.length > 0) this.#look = this.#look.then(() => this.#looks.cutOver(ports))
  }
}
