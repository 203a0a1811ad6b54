// The log: one JSON object a line, on stderr.
import { type Logger, pino } from 'pino'
import type { LogLevel } from './config-schema.ts'

/** Synchronous, so that nothing is lost when the process ends; at the default level little is written. */
export function makeLogger(level: LogLevel): Logger {
  return pino({ name: 'conetd', level }, pino.destination({ fd: 2, sync: true }))
}
