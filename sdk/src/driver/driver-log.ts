// A driver's log: one JSON object a line on its own stderr, and the same line to the host. It knows no socket.
import { ConetError } from '../errors/index.ts'
import { KernelError } from '../linux/kernel-error.ts'
import type { DriverLog } from '../protocol/index.ts'

/**
 * How much a line matters: `debug` for the author, `info` for what happened, `warn` for what somebody should look at,
 * `error` for what failed.
 */
export type LogLevel = DriverLog['level']

/** All levels, the least first. */
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

export type LogSink = (line: DriverLog) => void

const maxMessageLength = 16_384

export type LogOptions = {
  /** Lines below it are dropped. */
  readonly level: LogLevel
  readonly sinks: readonly LogSink[]
}

export class Log {
  readonly #lowest: number
  readonly #sinks: readonly LogSink[]

  constructor({ level, sinks }: LogOptions) {
    this.#lowest = logLevels.indexOf(level)
    this.#sinks = sinks
  }

  write(level: LogLevel, message: string, fields?: Record<string, unknown>): void {
    if (logLevels.indexOf(level) < this.#lowest) return
    const line = { level, message: message.slice(0, maxMessageLength), ...(fields && { fields }) }
    for (const sink of this.#sinks) sink(line)
  }
}

/** A sink that writes lines of JSON. What a driver says stays below `fields`, so that it cannot pass for ours. */
export function jsonLines(driver: string, write: (line: string) => void): LogSink {
  return ({ level, message, fields }) => {
    const time = new Date().toISOString()
    write(`${JSON.stringify({ time, level, driver, pid: process.pid, message, fields }, readable)}\n`)
  }
}

/** Errors have no members of their own that JSON shows; big integers are an error to it. */
function readable(_key: string, value: unknown): unknown {
  if (value instanceof Error) return errorFields(value)
  return typeof value === 'bigint' ? String(value) : value
}

/** What a log needs of an error and of its causes: what is expected without a stack, which says nothing there; a bug with it. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) }
  const { stack, message, cause } = error
  const causes = cause !== undefined && { cause: errorFields(cause) }
  if (ConetError.is(error)) return { error: message, kind: error.kind, ...causes }
  if (KernelError.is(error)) return { error: message, code: error.code, ...causes }
  return { stack: stack ?? String(error), ...causes }
}

/** When to tell what is tried again and again: at once, and while it stays the same now and then. */
export class Seldom {
  readonly #spanMs: number
  #text: string | undefined
  #toldMs = 0

  constructor(spanMs = 60_000) {
    this.#spanMs = spanMs
  }

  /** Whether it is to be told now; it counts as told then. */
  isDue(text: string): boolean {
    const now = performance.now()
    if (text === this.#text && now - this.#toldMs < this.#spanMs) return false
    this.#text = text
    this.#toldMs = now
    return true
  }

  /** It is over: it is news when it begins again. */
  forget(): void {
    this.#text = undefined
  }
}
