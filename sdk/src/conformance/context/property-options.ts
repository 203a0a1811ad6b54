// How random command sequences are run, and run again.

export type PropertyOptions = {
  readonly seed: number
  /** Of a failure that was printed: only that one is run again. */
  readonly path?: string
  /** Which commands of the sequence were run. */
  readonly replayPath?: string
}
