// The command line of conet-guardian, as Guardian gives it: extra arguments first, then --action and --handle.
import { parseArgs } from 'node:util'
import { defaultSocket } from '../shim/socket-place.ts'

export const actions = ['up', 'down', 'net-in', 'net-out', 'bulk-net-out'] as const
export type Action = (typeof actions)[number]

export type Arguments = { readonly action: Action; readonly handle: string; readonly socket: string }

const usage = `usage: conet-guardian [--socket PATH] --action ${actions.join('|')} --handle HANDLE`

/** Throws an Error whose message is for people. */
export function parseArguments(argv: readonly string[], environment: NodeJS.ProcessEnv): Arguments {
  const { action, handle, socket } = valuesOf(argv)
  if (!isAction(action))
    throw wrong(action === undefined ? '--action is missing' : `unrecognized action: ${action}`)
  if (handle === undefined || handle === '') throw wrong('--handle is missing')
  return { action, handle, socket: socket ?? (environment.CONET_SOCKET || defaultSocket) }
}

function valuesOf(argv: readonly string[]) {
  const text = { type: 'string' } as const
  try {
    return parseArgs({ args: joined(argv), options: { action: text, handle: text, socket: text } }).values
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
    const name = /^--?(action|handle|socket)$/.exec(word)?.[1]
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
