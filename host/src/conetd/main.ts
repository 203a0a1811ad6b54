// The program conetd: arguments, signals and the exit code. The only file of conetd that touches the process.
import './small-young-generation.ts'
import process from 'node:process'
import { assertFailpointKnown, ConetError, compileEarly } from '@conet/sdk'
import { parseArguments } from './arguments.ts'
import { readSettings, type Settings } from './settings.ts'
import { readVersion } from './version.ts'

const exitCode = { done: 0, failed: 1, usage: 2 } as const

/** Nobody else may connect or read before a file has its mode. */
process.umask(0o077)
process.title = 'conetd'
// The client of etcd names an IP address to TLS as its server: no operator could do anything about it.
hideWarning('DEP0123')

// `conetd --help | head -1`: the reader has what it wants.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const version = readVersion()
const parsed = parseArguments(process.argv.slice(2), version, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
})
if (parsed.action === 'exit') process.exitCode = parsed.code
else
  void run(
    parsed.action,
    settingsOrExit(() => readSettings(parsed.flags, process.env)),
  )

/** All others are printed as ever. */
function hideWarning(hidden: string): void {
  const printers = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    const code = 'code' in warning ? warning.code : undefined
    if (code !== hidden) for (const print of printers) print(warning)
  })
}

async function run(action: 'serve' | 'stopDrivers', settings: Settings): Promise<void> {
  try {
    // Others may be of the drivers that get this environment, which say so themselves.
    assertFailpointKnown((name) => name.includes(':') && !name.startsWith('host:'))
    // Loaded only now: who asks for help, or is told what is wrong with a setting, waits for neither.
    if (action === 'stopDrivers') {
      const { stopDrivers } = await import('./stop-drivers.ts')
      await stopDrivers(settings, process.env)
    } else {
      await serve(settings)
      process.exit(exitCode.done)
    }
  } catch (error) {
    explain(error)
    process.exit(exitCode.failed)
  }
}

function settingsOrExit(read: () => Settings): Settings {
  try {
    return read()
  } catch (error) {
    explain(error)
    process.exit(exitCode.usage)
  }
}

async function serve(settings: Settings): Promise<void> {
  const [{ makeLogger }, { startDaemon }] = await Promise.all([import('./logger.ts'), import('./daemon.ts')])
  using logging = makeLogger(settings.logLevel)
  const { log } = logging
  const failed = (error: unknown) => {
    log.fatal({ err: error }, 'conetd: ends, because something failed that it cannot do without')
    logging[Symbol.dispose]()
    // Not stopped in order: what failed may be what stopping needs. The stores are whole after any end.
    process.exit(exitCode.failed)
  }
  process.on('uncaughtException', failed)
  const stopped = stopSignal()
  const daemon = await startDaemon({
    settings,
    version,
    pid: process.pid,
    environment: process.env,
    log,
    failed,
  })
  // What ran until here runs once.
  compileEarly()
  const signal = await stopped
  log.info({ signal }, `conetd: stopping on ${signal}`)
  await daemon.stop()
  log.info('conetd: stopped')
}

/** A second signal ends conetd at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        process.on(signal, () => process.exit(exitCode.failed))
        resolve(signal)
      })
    }
  })
}

/** For people: what went wrong and what to do, without a stack, unless it is a bug. */
function explain(error: unknown): void {
  if (!ConetError.is(error)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`conetd: ${text}\n`)
    return
  }
  process.stderr.write(`conetd: ${error.message}\n`)
  if (error.help !== undefined) process.stderr.write(`conetd: ${error.help}\n`)
}
