// What the commands know of the process that they run in.
export type Terminal = {
  out(text: string): void
  err(text: string): void
  /** Aborts with an Interruption when the user, or a service manager, has had enough. */
  readonly signal: AbortSignal
}

/** A signal that ended the command, and the exit code that says so. */
export class Interruption extends Error {
  readonly signal: NodeJS.Signals
  readonly exitCode: number

  constructor(signal: NodeJS.Signals, exitCode: number) {
    super(`ended by ${signal}`)
    this.signal = signal
    this.exitCode = exitCode
  }
}
