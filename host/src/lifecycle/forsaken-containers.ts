// Containers whose process ended without a `down`: the runtime crashed, or forgot. They are shown, and taken down after a
// grace period in which the runtime may still come. Only those whose runtime named a process when they came up.
import type { SandboxRecord } from '../domain/container.ts'
import { startTimeOf } from '../machine/process-start.ts'
import { takeDown } from './down.ts'
import type { HostContext } from './host-context.ts'
import { inLots } from './in-lots.ts'
import { containerQueue } from './keys.ts'

/** Since when the process is known to be gone, and when the container is taken down; never: undefined. */
export type Forsaken = { readonly since: Date; readonly downAt: Date | undefined }

const longestPauseMs = 5_000
const shortestPauseMs = 100

export class ForsakenContainers implements Disposable {
  readonly #getHost: () => HostContext
  /** 0: they are never taken down. */
  readonly #graceMs: number
  /** By the hold on the sandbox, which is another one at each `up`. */
  readonly #gone = new Map<string, Date>()
  #timer: NodeJS.Timeout | undefined

  constructor(host: () => HostContext, graceMs: number) {
    this.#getHost = host
    this.#graceMs = graceMs
  }

  /** Looks from now on, until it is disposed. */
  start(): void {
    const pauseMs = Math.max(shortestPauseMs, Math.min(longestPauseMs, this.#graceMs / 10))
    this.#timer = setTimeout(
      () => void this.#look().then(() => this.#timer && this.start()),
      this.#graceMs === 0 ? longestPauseMs : pauseMs,
    )
  }

  /** Undefined while the process lives, or nobody named one. */
  of(sandbox: SandboxRecord | undefined): Forsaken | undefined {
    const since = sandbox?.state === 'up' ? this.#gone.get(sandbox.hold) : undefined
    if (since === undefined) return undefined
    return { since, downAt: this.#graceMs === 0 ? undefined : new Date(since.getTime() + this.#graceMs) }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  get #host(): HostContext {
    return this.#getHost()
  }

  async #look(): Promise<void> {
    const sandboxes = [...this.#host.inventory.sandboxes.values()]
    const holds = new Set(sandboxes.map(({ hold }) => hold))
    for (const hold of this.#gone.keys()) if (!holds.has(hold)) this.#gone.delete(hold)
    for await (const sandbox of inLots(sandboxes)) if (hasProcessEnded(sandbox)) this.#found(sandbox)
  }

  #found(sandbox: SandboxRecord): void {
    const { handle, hold, pid } = sandbox
    const forsaken = this.of(sandbox)
    if (forsaken === undefined) {
      this.#gone.set(hold, new Date())
      this.#host.log.warn({ handle, pid }, 'the process of a container is gone, and nobody took it down')
      const message = `process ${pid} ended, and nobody took the container down`
      this.#host.events.append({ type: 'container.process-gone', container: handle, message })
    } else if (forsaken.downAt !== undefined && forsaken.downAt.getTime() <= Date.now()) {
      this.#takeDown(sandbox).catch((err: unknown) =>
        this.#host.log.error({ handle, err }, 'a container without its process could not be taken down'),
      )
    }
  }

  #takeDown({ handle, hold }: SandboxRecord): Promise<void> {
    // Nobody waits for a second one.
    this.#gone.delete(hold)
    return this.#host.queue.run(containerQueue(handle), async () => {
      // It may have come up anew while others were served.
      const current = this.#host.inventory.sandboxes.get(handle)
      if (current?.hold === hold && current.state === 'up')
        await takeDown(this.#host, handle, { id: `forsaken-${hold.slice(0, 12)}` })
    })
  }
}

/** Of a container that is up. False where nobody named a process. */
export function hasProcessEnded({ state, pid, processStart }: SandboxRecord): boolean {
  return (
    state === 'up' && pid !== undefined && processStart !== undefined && startTimeOf(pid) !== processStart
  )
}
