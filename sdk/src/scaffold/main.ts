// The program conet-sdk: `conet-sdk init FOLDER`.
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { endWithReader } from '../closed-output.ts'
import { ConetError } from '../errors/index.ts'
import { initDriver, type NewDriver } from './init.ts'

const usage = `Usage: conet-sdk init FOLDER [--name NAME]

Writes a network driver for conet into a new or empty folder: a driver that answers every call and makes no interface
yet, its test (the conformance kit), a systemd unit and a README. Its name is that of the folder, unless --name says another.

  --name NAME  what networks will name as their type
  --help       print this

Exit codes: 0 written, 1 not written, 2 the command line is wrong.

Example: npx -p @conet/sdk conet-sdk init my-driver
`

const exitCodes = { done: 0, failed: 1, usage: 2 } as const

class UsageError extends Error {}

async function run(argv: string[]): Promise<string> {
  const { values, positionals } = parsed(argv)
  if (values.help) return usage
  const [command, folder, ...rest] = positionals
  if (command === undefined) throw usageError('a command is missing')
  if (command !== 'init') throw usageError(`there is no command ${JSON.stringify(command)}`)
  if (folder === undefined) throw usageError('init needs the FOLDER to write the driver into')
  if (rest.length > 0) throw usageError(`init takes one FOLDER, and does not know ${rest.join(' ')}`)
  return told(await initDriver(folder, values.name))
}

function parsed(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { name: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error))
  }
}

function usageError(why: string): UsageError {
  return new UsageError(`${why}\n\n${usage.trimEnd()}`)
}

function told({ name, folder, files }: NewDriver): string {
  const place = relative(process.cwd(), folder) || '.'
  return `The driver "${name}" is in ${place}:
${files.map((file) => `  ${file}\n`).join('')}
Next:
  cd ${place}
  npm install        # with a package that you were given: npm install /path/to/conet-sdk-….tgz
  npm test
`
}

function exitCodeOf(error: unknown): number {
  const isUsage = error instanceof UsageError || ConetError.is(error, 'invalidArgument')
  return isUsage ? exitCodes.usage : exitCodes.failed
}

function textOf(error: unknown): string {
  if (!ConetError.is(error)) return error instanceof Error ? error.message : String(error)
  return error.help === undefined ? error.message : `${error.message}\n${error.help}`
}

endWithReader()
try {
  process.stdout.write(await run(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`conet-sdk: ${textOf(error)}\n`)
  process.exitCode = exitCodeOf(error)
}
