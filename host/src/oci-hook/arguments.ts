// The command line of conet-oci-hook. A runtime gives the hook's `args` as they are in its configuration.
import { parseArgs } from 'node:util'
import { defaultSocket } from '../shim/socket-place.ts'

const stages = ['createRuntime', 'poststop'] as const
export type Stage = (typeof stages)[number]

export type Arguments = { readonly stage: Stage; readonly socket: string }

const usage = `usage: conet-oci-hook [--socket PATH] ${stages.join('|')}`

/** Throws an Error whose message is for people. */
export function parseArguments(argv: readonly string[], environment: NodeJS.ProcessEnv): Arguments {
  const { values, positionals } = partsOf(argv)
  const [stage, ...more] = positionals
  const known = stages.find((name) => name === stage)
  if (known === undefined || more.length > 0) throw new Error(`name one stage\n${usage}`)
  return { stage: known, socket: values.socket ?? (environment.CONET_SOCKET || defaultSocket) }
}

function partsOf(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: { socket: { type: 'string' } }, allowPositionals: true })
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  }
}
