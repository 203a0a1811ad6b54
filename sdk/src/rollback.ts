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

  defer(what: string, step: () => void | Promise<void>): void {
    this.#steps.push({ what, step })
  }

  /** The operation succeeded: keep what it did. */
  commit(): void {
    this.#steps.length = 0
  }

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
