// What drivers themselves find wrong in the kernel while nobody asks: a bridge or a tunnel that somebody deleted, a port that
// is down. They are asked now and then. What they say is shown, and mended in the turn of the clock: the machine's side of a
// network is conet's own, whereas what is in a container may be the container's (see missing-interfaces.ts).
import { randomUUID } from 'node:crypto'
import { type Difference, isLoss, lookAtDriver } from './differences.ts'
import { isDriverAway } from './driver-call.ts'
import type { HostContext } from './host-context.ts'
import { mendDifference } from './mend-differences.ts'

export type DriverWatchOptions = {
  /** From one look to the next; 0: nobody looks unasked. */
  readonly everyMs: number
}

/** Who asks again so soon gets what was found before: so many times as long as that look took, but not for longer than this. */
const fresh = { times: 10, mostMs: 2_000 }

export class DriverWatch implements Disposable {
  readonly #getHost: () => HostContext
  readonly #everyMs: number
  readonly #ending = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #look: Promise<readonly Difference[]> | undefined
  #freshUntil = 0

  constructor(host: () => HostContext, { everyMs }: DriverWatchOptions) {
    this.#getHost = host
    this.#everyMs = everyMs
  }

  /** Looks and mends from now on, until it is disposed. */
  start(): void {
    if (this.#everyMs === 0 || this.#ending.signal.aborted) return
    this.#timer = setTimeout(() => {
      void this.#round()
        .catch((err: unknown) =>
          this.#getHost().log.error({ err }, 'what drivers have could not be looked at'),
        )
        .finally(() => this.start())
    }, this.#everyMs)
  }

  /** Ends when all drivers that can be asked have answered, at once after a look of a moment ago. Mends nothing. */
  async look(): Promise<void> {
    if (this.#look === undefined && performance.now() < this.#freshUntil) return
    await this.#lookTogether()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#ending.abort()
  }

  async #round(): Promise<void> {
    const host = this.#getHost()
    const found = (await this.#lookTogether()).filter((one) => isOfTheMachine(host, one))
    tellNews(host, found)
    for (const difference of found) {
      if (this.#ending.signal.aborted) return
      await mendUnasked(host, difference)
    }
  }

  /** Who asks meanwhile shares the look. */
  #lookTogether(): Promise<readonly Difference[]> {
    this.#look ??= this.#lookOnce().finally(() => {
      this.#look = undefined
    })
    return this.#look
  }

  async #lookOnce(): Promise<readonly Difference[]> {
    const begin = performance.now()
    try {
      return await this.#lookAtAll()
    } finally {
      const end = performance.now()
      this.#freshUntil = end + Math.min((end - begin) * fresh.times, fresh.mostMs)
    }
  }

  async #lookAtAll(): Promise<readonly Difference[]> {
    const host = this.#getHost()
    const drivers = new Set([...host.inventory.networks.values()].map(({ type }) => type))
    const looks = [...drivers].map((driver) => lookUnasked(host, driver, this.#ending.signal))
    return (await Promise.all(looks)).flat()
  }
}

/** Of what could not be mended before, and is tried again by itself, the log has the reason. */
function tellNews({ repairs, log }: HostContext, found: readonly Difference[]): void {
  const news = found.filter(({ id }) => !repairs.has(id))
  const [first] = news
  if (first === undefined) return
  const { driver, object, id, reason } = first
  log.warn(
    { driver, [`${object}Id`]: id, reason, count: news.length },
    'drivers find something not as it should be; it is made so',
  )
}

/** One that cannot be asked, or fails, says nothing; that it is so is shown elsewhere. */
async function lookUnasked(host: HostContext, driver: string, signal: AbortSignal): Promise<Difference[]> {
  try {
    if (host.drivers.stateOf(driver) === 'ready')
      return await lookAtDriver(host, driver, { operationId: `look-${randomUUID()}`, signal })
  } catch (err) {
    if (!signal.aborted && !isDriverAway(err))
      host.log.debug({ driver, err }, 'a driver does not say what it has')
  }
  using look = host.repairs.look(driver)
  look.found(new Map())
  return []
}

/** What is wrong with one object keeps no other from being mended. */
async function mendUnasked(host: HostContext, difference: Difference): Promise<void> {
  const { driver, object, id } = difference
  await mendDifference(host, difference, { id: `mend-${id}` }).catch((err: unknown) =>
    host.log.error({ driver, [`${object}Id`]: id, err }, 'what a driver found could not be mended'),
  )
}

/** An endpoint that is missing went together with what was in its container. */
function isOfTheMachine(host: HostContext, difference: Difference): boolean {
  const { object, problem } = difference
  return isLoss(host, difference) && (object === 'network' || problem === 'failing')
}
