// The program conet-oci-hook: the only file of it that touches the process.
import { Misuse } from '../shim/handle.ts'
import { readInput } from '../shim/read-input.ts'
import { type Arguments, asksForHelp, help, parseArguments } from './arguments.ts'
import { run } from './run.ts'

const exitCode = { failed: 1, usage: 2 } as const

void act(argumentsOrExit())

async function act(parsed: Arguments): Promise<void> {
  try {
    await run(parsed, await readInput())
  } catch (error) {
    // One line: runtimes show what a hook wrote when it fails, some of them only the end of it.
    process.stderr.write(`conet-oci-hook: ${messageOf(error)}\n`)
    process.exitCode = error instanceof Misuse ? exitCode.usage : exitCode.failed
  }
}

function argumentsOrExit(): Arguments {
  if (asksForHelp(process.argv.slice(2))) {
    process.stdout.write(`${help}\n`)
    process.exit()
  }
  try {
    return parseArguments(process.argv.slice(2), process.env)
  } catch (error) {
    process.stderr.write(`conet-oci-hook: ${messageOf(error)}\n`)
    process.exit(exitCode.usage)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
