// Interfaces that ended without an operation: somebody deleted one end in the kernel, and no driver hears of that. Looked
// for now and then, and whenever somebody asks how things are; shown, and mended by `conet reconcile` only.
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { HostContext } from './host-context.ts'
import { inLots } from './in-lots.ts'
import { noteDiverged } from './repair.ts'

export type MissingInterface = { readonly endpoint: EndpointRecord; readonly reason: string }

const pauseMs = 60_000

/** A driver answers what it made; whether it is still there, only the sandbox shows. What it finds is on record. */
export async function lookForInterfaces(host: HostContext): Promise<MissingInterface[]> {
  const found: MissingInterface[] = []
  for await (const { handle } of inLots(host.inventory.sandboxes.values())) {
    // In the turn of the look, so that the record is of the same moment.
    for (const missing of missingIn(host, handle)) {
      noteDiverged(host, missing.endpoint.id, missing.reason)
      found.push(missing)
    }
  }
  return found
}

function missingIn({ inventory, sandboxes }: HostContext, handle: string): MissingInterface[] {
  const sandbox = inventory.sandboxes.get(handle)
  const there = sandbox?.state === 'up' ? sandboxes.interfacesIn(sandbox.path) : undefined
  if (there === undefined) return []
  return inventory
    .endpointsOfContainer(handle)
    .filter((endpoint) => endpoint.state === 'plugged' && endpoint.hold === sandbox?.hold)
    .flatMap((endpoint) => {
      const made = endpoint.result?.interfaces.map(({ name }) => name) ?? []
      const gone = made.filter((name) => !there.includes(name))
      return gone.length === 0
        ? []
        : [{ endpoint, reason: `interface ${gone.join(', ')} is not in the container` }]
    })
}

/** Looks once a minute, in lots. */
export class InterfaceWatch implements Disposable {
  readonly #getHost: () => HostContext
  #timer: NodeJS.Timeout | undefined
  #look: Promise<unknown> | undefined

  constructor(host: () => HostContext) {
    this.#getHost = host
  }

  /** Looks from now on, until it is disposed. */
  start(): void {
    this.#timer = setTimeout(() => void this.look().then(() => this.#timer && this.start()), pauseMs)
  }

  /** Ends when all were looked at; who asks meanwhile shares the look. Failures are in the log. */
  look(): Promise<unknown> {
    const host = this.#getHost()
    this.#look ??= lookForInterfaces(host)
      .catch((err: unknown) => host.log.warn({ err }, 'could not look whether all interfaces are there'))
      .finally(() => {
        this.#look = undefined
      })
    return this.#look
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
