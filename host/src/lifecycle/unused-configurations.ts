// Configurations of containers that never came up. They are shown, and forgotten after a time that the operator may set.
import type { ContainerRecord } from '../domain/container.ts'
import type { HostContext } from './host-context.ts'
import { containerQueue } from './keys.ts'

/** Since when it waits, and when it is forgotten; never: undefined. */
export type Unused = { readonly since: Date; readonly forgottenAt: Date | undefined }

const longestPauseMs = 60_000
const shortestPauseMs = 100

export class UnusedConfigurations implements Disposable {
  readonly #getHost: () => HostContext
  /** 0: they are never forgotten. */
  readonly #keptMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(host: () => HostContext, keptMs: number) {
    this.#getHost = host
    this.#keptMs = keptMs
  }

  /** Looks from now on, until it is disposed; not at all where nothing is ever forgotten. */
  start(): void {
    if (this.#keptMs === 0) return
    const pauseMs = Math.max(shortestPauseMs, Math.min(longestPauseMs, this.#keptMs / 10))
    this.#timer = setInterval(() => this.#look(), pauseMs)
  }

  /** Undefined for a container that is in use: it was up since it was configured, or has an endpoint. */
  of({ handle, usedAt, configuredAt, createdAt }: ContainerRecord): Unused | undefined {
    const { inventory } = this.#host
    const isUsed =
      usedAt !== undefined ||
      inventory.sandboxes.has(handle) ||
      inventory.endpointsOfContainer(handle).length > 0
    if (isUsed) return undefined
    const since = new Date(configuredAt ?? createdAt)
    return { since, forgottenAt: this.#keptMs === 0 ? undefined : new Date(since.getTime() + this.#keptMs) }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  get #host(): HostContext {
    return this.#getHost()
  }

  #look(): void {
    for (const container of this.#host.inventory.containers.values()) {
      if (!this.#isDue(container)) continue
      const { handle } = container
      this.#forget(handle).catch((err: unknown) =>
        this.#host.log.error({ handle, err }, 'an unused configuration could not be forgotten'),
      )
    }
  }

  #isDue(container: ContainerRecord): boolean {
    const forgottenAt = this.of(container)?.forgottenAt
    return forgottenAt !== undefined && forgottenAt.getTime() <= Date.now()
  }

  #forget(handle: string): Promise<void> {
    return this.#host.queue.run(containerQueue(handle), async () => {
      const container = this.#host.inventory.containers.get(handle)
      if (container === undefined || !this.#isDue(container)) return
      this.#host.inventory.deleteContainer(handle)
      this.#host.log.warn({ handle }, 'a configuration that was never used is forgotten')
      this.#host.events.append({ type: 'container.expired', container: handle })
    })
  }
}
