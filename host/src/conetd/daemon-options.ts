// What conetd is started with.
import type { Logger } from 'pino'
import type { Settings } from './settings.ts'

export type DaemonOptions = {
  readonly settings: Settings
  readonly version: string
  readonly pid: number
  /** For drivers that conetd starts. */
  readonly environment: NodeJS.ProcessEnv
  readonly log: Logger
  /** Something in the background failed that nobody waits for: conetd is not whole any more. */
  failed(error: unknown): void
}
