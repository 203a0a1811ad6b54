// The log: one JSON object a line, on stderr.
import { type Logger, type LoggerOptions, pino } from 'pino'
import type { LogLevel } from './config-schema.ts'
import { errorInLog } from './error-in-log.ts'
import { LineLimit } from './line-limit.ts'

/** Synchronous, so that nothing is lost when the process ends; at the default level little is written. */
export function makeLogger(level: LogLevel): Logger {
  return pino(loggerOptions(level), pino.destination({ fd: 2, sync: true }))
}

/** Whoever repeats a call that fails, and whatever does, does not fill the disk. */
export function loggerOptions(level: LogLevel, limit = new LineLimit()): LoggerOptions {
  return {
    name: 'conetd',
    level,
    serializers: { err: errorInLog, reason: errorInLog },
    hooks: {
      logMethod(args, method, lineLevel) {
        const isLimited = lineLevel === pino.levels.values.warn || lineLevel === pino.levels.values.error
        const ticket = isLimited ? limit.take(subjectOf(args)) : { isWritten: true, leftOut: 0 }
        if (ticket.leftOut > 0)
          method.call(this, { count: ticket.leftOut, text: textOf(args) }, 'lines were left out')
        if (ticket.isWritten) method.apply(this, args)
      },
    },
  }
}

/** What is said, and of which driver: one that is noisy takes nothing from the others. */
function subjectOf(args: readonly unknown[]): string {
  const [fields] = args
  const of = new Map(Object.entries(typeof fields === 'object' && fields !== null ? fields : {}))
  return [textOf(args), ...['driver', 'socket', 'violation'].map((name) => of.get(name) ?? '')].join('\n')
}

/** Of `log.warn(fields, text)` and of `log.warn(text)`. */
function textOf([first, second]: readonly unknown[]): string {
  return typeof first === 'string' ? first : String(second)
}
