// What a command sees of the world: where it writes, its environment, and when it is to stop. `main.ts` binds it to the
// process, tests to memory.

export type Terminal = {
  /** For results: what a script reads. */
  out(text: string): void
  /** For words to a person: errors and notes. */
  err(text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
  /** Columns of the terminal, when there is one. */
  readonly columns: number | undefined
  /** Aborts with an Interruption when the user has had enough. */
  readonly signal: AbortSignal
}

/** The user, or the reader of our output, ended the command. */
export class Interruption extends Error {
  override readonly name = 'Interruption'
  readonly exitCode: number

  constructor(exitCode: number) {
    super('interrupted')
    this.exitCode = exitCode
  }
}
