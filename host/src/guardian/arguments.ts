// The command line of conet-guardian, as Guardian gives it: extra arguments first, then --action and --handle.
import { parseArgs } from 'node:util'
import { defaultTimeoutMs, timeoutMsOf } from '../shim/patience.ts'
import { defaultSocket } from '../shim/socket-place.ts'

export const actions = ['up', 'down', 'net-in', 'net-out', 'bulk-net-out'] as const
export type Action = (typeof actions)[number]

export type Arguments = {
  readonly action: Action
  readonly handle: string
  readonly socket: string
  readonly timeoutMs: number
}

const usage = `usage: conet-guardian [--socket PATH] [--timeout SECONDS] --action ${actions.join('|')} --handle HANDLE`

/** What `--help` says. */
export const help = `${usage}

Guardian's --network-plugin: Guardian gives the action and the handle, and writes a JSON document on the standard input.

  --socket PATH      a socket of conetd (CONET_SOCKET, else ${defaultSocket})
  --timeout SECONDS  how long conetd's answer is waited for (CONET_TIMEOUT, else ${defaultTimeoutMs / 1000})

By hand, for the container whose process has the pid 4711:

  echo '{"Pid":4711,"Properties":{}}' | conet-guardian --action up --handle web-1
  conet-guardian --action down --handle web-1`

/** Not where it is the value of another option. */
export function asksForHelp(argv: readonly string[]): boolean {
  return joined(argv).some((word) => word === '--help' || word === '-h')
}

/** Throws an Error whose message is for people. */
export function parseArguments(argv: readonly string[], environment: NodeJS.ProcessEnv): Arguments {
  const { action, handle, socket, timeout } = valuesOf(argv)
  if (!isAction(action))
    throw wrong(action === undefined ? '--action is missing' : `unrecognized action: ${action}`)
  if (handle === undefined || handle === '') throw wrong('--handle is missing')
  const timeoutMs = timeoutMsOf(timeout, environment)
  return { action, handle, socket: socket ?? (environment.CONET_SOCKET || defaultSocket), timeoutMs }
}

function valuesOf(argv: readonly string[]) {
  const text = { type: 'string' } as const
  try {
    const options = { action: text, handle: text, socket: text, timeout: text }
    return parseArgs({ args: joined(argv), options }).values
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error))
  }
}

/** `--handle -x`: Guardian gives every value as a word of its own, whatever it begins with. */
function joined(argv: readonly string[]): string[] {
  const words: string[] = []
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    const value = argv[at + 1]
    const name = /^--?(action|handle|socket|timeout)$/.exec(word)?.[1]
    if (name === undefined || value === undefined) words.push(word)
    else {
      words.push(`--${name}=${value}`)
      at += 1
    }
  }
  return words
}

function isAction(action: string | undefined): action is Action {
  return actions.some((known) => known === action)
}

function wrong(what: string): Error {
  return new Error(`${what}\n${usage}`)
}
