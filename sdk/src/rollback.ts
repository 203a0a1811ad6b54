// Undo by default: what an operation did is taken back unless it says that it succeeded.

/**
 * Undo steps of an operation that may fail half-way: newest first, each one tried, all failures reported.
 *
 *     await using undo = new Rollback()
 *     await makeLink()
 *     undo.defer('delete the link', () => deleteLink())
 *     undo.commit()
 */
export class Rollback implements AsyncDisposable {
  readonly #steps: { what: string; step: () => void | Promise<void> }[] = []

  /** Adds a step that undoes what was just done; `what` stands in the error if it fails. May be repeated. */
  defer(what: string, step: () => void | Promise<void>): void {
    this.#steps.push({ what, step })
  }

  /** The operation succeeded: keep what it did. May be repeated. */
  commit(): void {
    this.#steps.length = 0
  }

  /** Takes back all that was not committed. Throws an AggregateError of the steps that failed, after all were tried. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: Error[] = []
    for (const { what, step } of this.#steps.splice(0).reverse()) {
      try {
        await step()
      } catch (cause) {
        failures.push(new Error(`could not ${what}`, { cause }))
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'could not undo every step')
  }
}
