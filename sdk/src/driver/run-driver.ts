// The whole `main` of a driver's program: arguments, signals, exit code. The one file of the SDK that ends a process.
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { endWithReader } from '../closed-output.ts'
import { compileEarly } from '../compile-early.ts'
import { ConetError } from '../errors/index.ts'
import { assertFailpointKnown, failpointNames } from '../failpoint.ts'
import type { Driver } from './driver.ts'
import { type LogLevel, logLevels } from './driver-log.ts'
import { type ServedDriver, serveDriver } from './serve-driver.ts'

/** Where conetd looks unless it was told otherwise. */
export const defaultDriverDirectory = '/run/conet/drivers'

/** What was typed is wrong; everything else that keeps a driver from working is 1. */
const usageExitCode = 2

/**
 * Serves the driver until SIGTERM or SIGINT, or until the host says that another instance has taken over; then stops
 * it and ends the process with exit code 0. A second signal ends it at once. Takes `--socket PATH` (or
 * CONET_DRIVER_SOCKET, or `/run/conet/drivers/NAME.sock`), `--log-level LEVEL` (or CONET_LOG_LEVEL), `--help` and
 * `--version`. What goes wrong is told on stderr, with exit code 2 for arguments and 1 for the rest. Call it once, at
 * the end of the program: nothing that comes behind it is sure to run. With CONET_FAILPOINT=list it prints the names
 * of the failpoints, and it does not start with one that is not among them.
 */
export async function runDriver(driver: Driver): Promise<void> {
  // Whoever read our stderr may be gone, while the driver goes on.
  process.stderr.on('error', () => undefined)
  try {
    await run(driver)
  } catch (error) {
    const help = ConetError.is(error) && error.help !== undefined ? `\n${error.help}` : ''
    const text = ConetError.is(error) || isUsageError(error) ? error.message : stackOf(error)
    process.stderr.write(`${programName(driver)}: ${text}${help}\n`)
    process.exit(isUsageError(error) ? usageExitCode : 1)
  }
}

async function run(driver: Driver): Promise<void> {
  const { socket, help, version, 'log-level': logLevel } = parsedArguments()
  if (help) return print(usage(driver))
  if (version) return print(`${driver.name} ${driver.version}`)
  if (process.env.CONET_FAILPOINT === 'list') return print(failpointNames().join('\n'))
  // conetd hands its own environment on.
  assertFailpointKnown((name) => name.startsWith('host:'))
  const served = await serveDriver(driver, {
    socketPath: socketPathOf(driver, socket ?? process.env.CONET_DRIVER_SOCKET),
    logLevel: parseLogLevel(logLevel ?? process.env.CONET_LOG_LEVEL),
  })
  stopOnSignals(served)
  // What ran until here runs once.
  compileEarly()
  await served.closed
  process.exit(0)
}

function parsedArguments() {
  const { values } = parseArgs({
    options: {
      socket: { type: 'string' },
      'log-level': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
    },
  })
  return values
}

class UsageError extends Error {}

function socketPathOf({ name }: Driver, path = `${defaultDriverDirectory}/${name}.sock`): string {
  if (path === '') throw new UsageError('--socket (CONET_DRIVER_SOCKET) is empty: name the path of a socket')
  return path
}

function parseLogLevel(text = 'info'): LogLevel {
  const level = logLevels.find((candidate) => candidate === text)
  if (level === undefined) throw new UsageError(`the log level "${text}" is none of ${logLevels.join(', ')}`)
  return level
}

/** Ours, or one of `parseArgs`. */
function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}

function stopOnSignals(served: ServedDriver): void {
  let signals = 0
  const stop = (signal: 'SIGTERM' | 'SIGINT') => {
    signals += 1
    // As the shell counts a process that a signal has ended.
    if (signals > 1) process.exit(signal === 'SIGTERM' ? 143 : 130)
    // `closed` has the failure too, and is awaited.
    served.close().catch(() => undefined)
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function programName({ name }: Driver): string {
  return basename(process.argv[1] ?? name)
}

function print(text: string): void {
  endWithReader()
  process.stdout.write(`${text}\n`)
}

function usage(driver: Driver): string {
  return `${driver.name} ${driver.version}: a network driver for conet

Usage: ${programName(driver)} [--socket PATH] [--log-level ${logLevels.join('|')}]

  --socket PATH      where to listen (CONET_DRIVER_SOCKET);
                     default ${defaultDriverDirectory}/${driver.name}.sock
  --log-level LEVEL  how much to log on stderr (CONET_LOG_LEVEL); default info
  --version          print name and version
  --help             print this

It serves until SIGTERM or SIGINT. Networks stay as they are when it ends.

Example: ${programName(driver)} --socket ${defaultDriverDirectory}/${driver.name}.sock`
}
