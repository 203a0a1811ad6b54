// The program conet-guardian, Guardian's --network-plugin: the only file of it that touches the process.
import { readFileSync } from 'node:fs'
import { assertText, Misuse } from '../shim/handle.ts'
import { readInput } from '../shim/read-input.ts'
import { shownHandle } from '../shim/shown-handle.ts'
import { type Arguments, asksForHelp, help, parseArguments } from './arguments.ts'
import { run } from './run.ts'

const exitCode = { failed: 1, usage: 2 } as const

void act(argumentsOrExit())

async function act(parsed: Arguments): Promise<void> {
  try {
    // Of a `down` there is nothing to read, and nobody need close it.
    const answer = await run(parsed, parsed.action === 'down' ? '' : (await readInput()).toString('utf8'))
    process.stdout.write(`${JSON.stringify(answer)}\n`)
  } catch (error) {
    explain(`conet-guardian: ${parsed.action} ${shownHandle(parsed.handle)}: ${messageOf(error)}`)
    process.exitCode = error instanceof Misuse ? exitCode.usage : exitCode.failed
  }
}

function argumentsOrExit(): Arguments {
  if (asksForHelp(process.argv.slice(2))) {
    process.stdout.write(`${help}\n`)
    process.exit()
  }
  try {
    const parsed = parseArguments(process.argv.slice(2), process.env)
    assertText(parsed.handle, () => readFileSync('/proc/self/cmdline'))
    return parsed
  } catch (error) {
    explain(`conet-guardian: ${messageOf(error)}`)
    process.exit(exitCode.usage)
  }
}

/** On both: Guardian logs the one, and who runs it by hand may read the other. */
function explain(reason: string): void {
  process.stderr.write(`${reason}\n`)
  process.stdout.write(`${JSON.stringify({ error: reason })}\n`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
