// The log: one JSON object a line, on stderr.
import { type Logger, type LoggerOptions, pino } from 'pino'
import type { LogLevel } from './config-schema.ts'
import { errorInLog } from './error-in-log.ts'
import { LeftOut, LineLimit, type LineSubject } from './line-limit.ts'

export type ConetdLog = Disposable & { readonly log: Logger }

/**
 * Synchronous, so that nothing is lost when the process ends; at the default level little is written. Until it is disposed it
 * says now and then what was left out, and then the rest of that.
 */
export function makeLogger(
  level: LogLevel,
  limit = new LineLimit(),
  destination: { write(line: string): void } = pino.destination({ fd: 2, sync: true }),
): ConetdLog {
  const log = pino(loggerOptions(level, limit), destination)
  const timer = setInterval(() => tellLeftOut(limit.over(), log), limit.spanMs).unref()
  return {
    log,
    [Symbol.dispose]() {
      clearInterval(timer)
      tellLeftOut(limit.rest(), log)
    },
  }
}

/** Whoever repeats a call that fails, and whatever does, does not fill the disk. */
export function loggerOptions(level: LogLevel, limit = new LineLimit()): LoggerOptions {
  return {
    name: 'conetd',
    level,
    serializers: { err: errorInLog, reason: errorInLog },
    hooks: {
      logMethod(args, method, lineLevel) {
        const isLimited =
          (lineLevel === pino.levels.values.warn || lineLevel === pino.levels.values.error) &&
          !(args[0] instanceof LeftOut)
        const ticket = isLimited ? limit.take(subjectOf(args)) : { isWritten: true, leftOut: [] }
        tellLeftOut(ticket.leftOut, this)
        if (ticket.isWritten) method.apply(this, args)
      },
    },
  }
}

function tellLeftOut(leftOut: readonly LeftOut[], log: Pick<Logger, 'warn'>): void {
  for (const one of leftOut) log.warn(one, 'lines were left out')
}

const sources = ['driver', 'socket', 'violation']
/** Not that of a request, which is another one each time. */
const objects = ['id', 'handle', 'networkId', 'endpointId', 'attachment', 'sandbox', 'path', 'key']

function subjectOf(args: readonly unknown[]): LineSubject {
  const [fields] = args
  const of = new Map(Object.entries(typeof fields === 'object' && fields !== null ? fields : {}))
  const allOf = (names: readonly string[]) => names.map((name) => of.get(name) ?? '').join('\n')
  return { text: textOf(args), source: allOf(sources), object: allOf(objects) }
}

/** Of `log.warn(fields, text)` and of `log.warn(text)`. */
function textOf([first, second]: readonly unknown[]): string {
  return typeof first === 'string' ? first : String(second)
}
