// Deletes links, many at once where many are to go. The kernel waits ~20 ms for readers (RCU) at each RTM_DELLINK, but
// only once for a whole group of links: so while one deletion is under way, further ones are collected.
import { randomInt } from 'node:crypto'
import { BatchError, deleteLink, deleteLinkGroup, type Rtnl, setLink } from '../linux/index.ts'

/** The kernel holds its lock meanwhile: 0.7 ms a link, for which every plug waits. */
const maxGroup = 128

const maxGroupNumber = 0xffff_ffff

type Deletion = { readonly index: number; readonly outcome: PromiseWithResolvers<void> }

export class LinkDeletions {
  readonly #rtnl: Rtnl
  readonly #waiting = new Map<number, Deletion>()
  #work: Promise<void> | undefined
  #isClosed = false

  /** The client stays its owner's, to be closed after this. */
  constructor(rtnl: Rtnl) {
    this.#rtnl = rtnl
  }

  /** Deletes the link with this index. One that is gone is fine. Throws the KernelError of this link only. */
  delete(index: number): Promise<void> {
    if (this.#isClosed) throw new Error('the deletions of links were closed')
    const deletion = this.#waiting.get(index) ?? { index, outcome: withResolvers() }
    this.#waiting.set(index, deletion)
    this.#work ??= this.#run()
    return deletion.outcome.promise
  }

  /** Takes no more, and waits for those that are under way. May be repeated. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#work
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      const deletions = [...this.#waiting.values()].slice(0, maxGroup)
      for (const { index } of deletions) this.#waiting.delete(index)
      await this.#deleteAll(deletions)
    }
    this.#work = undefined
  }

  async #deleteAll(deletions: readonly Deletion[]): Promise<void> {
    const grouped = deletions.length > 1 ? await this.#deleteGroup(deletions) : new Set<Deletion>()
    for (const deletion of deletions) {
      if (grouped.has(deletion)) deletion.outcome.resolve()
      else await this.#deleteSingle(deletion)
    }
  }

  async #deleteSingle({ index, outcome }: Deletion): Promise<void> {
    await this.#rtnl
      .runSlow(deleteLink(index), { tolerate: ['ENODEV'] })
      .then(outcome.resolve, outcome.reject)
  }

  /** Answers those that are gone; the others are tried one by one, which tells each its own reason. */
  async #deleteGroup(deletions: readonly Deletion[]): Promise<Set<Deletion>> {
    try {
      const group = this.#emptyGroup()
      const members = this.#move(deletions, group)
      await this.#rtnl.runSlow(deleteLinkGroup(group), { tolerate: ['ENODEV'] })
      return new Set(members)
    } catch {
      // Whatever kept the group from being deleted: each link is tried by itself and says what is wrong with it.
      return new Set()
    }
  }

  /** Every link of a group goes, so it must be nobody's. */
  #emptyGroup(): number {
    for (;;) {
      const group = randomInt(1, maxGroupNumber)
      if (this.#rtnl.links({ group }).length === 0) return group
    }
  }

  /** Answers those that are in the group now, or that are gone. */
  #move(deletions: readonly Deletion[], group: number): readonly Deletion[] {
    try {
      const requests = deletions.map(({ index }) => setLink(index, { group }))
      this.#rtnl.batch(requests, { tolerate: ['ENODEV'] })
      return deletions
    } catch (error) {
      if (!(error instanceof BatchError)) throw error
      return deletions.filter((_, position) => error.wasDone(position))
    }
  }
}

/** Promise.withResolvers, which Node has since 22. */
type PromiseWithResolvers<T> = {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (reason: unknown) => void
}

function withResolvers(): PromiseWithResolvers<void> {
  let resolve: () => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<void>((onDone, onFailure) => {
    resolve = onDone
    reject = onFailure
  })
  return { promise, resolve, reject }
}
