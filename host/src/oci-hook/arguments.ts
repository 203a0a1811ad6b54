// The command line of conet-oci-hook. A runtime gives the hook's `args` as they are in its configuration.
import { parseArgs } from 'node:util'
import { defaultTimeoutMs, timeoutMsOf } from '../shim/patience.ts'
import { defaultSocket } from '../shim/socket-place.ts'

const stages = ['createRuntime', 'poststop'] as const
export type Stage = (typeof stages)[number]

export type Arguments = { readonly stage: Stage; readonly socket: string; readonly timeoutMs: number }

const usage = `usage: conet-oci-hook [--socket PATH] [--timeout SECONDS] ${stages.join('|')}`

/** What `--help` says. */
export const help = `${usage}

A hook of OCI runtimes: the runtime writes the container's state on the standard input. Its annotation
dev.conet.networks names the networks.

  --socket PATH      a socket of conetd (CONET_SOCKET, else ${defaultSocket})
  --timeout SECONDS  how long conetd's answer is waited for (CONET_TIMEOUT, else ${defaultTimeoutMs / 1000})

By hand, for the container whose process has the pid 4711:

  echo '{"id":"web-1","pid":4711,"annotations":{"dev.conet.networks":"blue"}}' | conet-oci-hook createRuntime
  echo '{"id":"web-1"}' | conet-oci-hook poststop`

export function asksForHelp(argv: readonly string[]): boolean {
  return argv.some((word) => word === '--help' || word === '-h')
}

/** Throws an Error whose message is for people. */
export function parseArguments(argv: readonly string[], environment: NodeJS.ProcessEnv): Arguments {
  const { values, positionals } = partsOf(argv)
  const [stage, ...more] = positionals
  const known = stages.find((name) => name === stage)
  if (known === undefined || more.length > 0) throw new Error(`name one stage\n${usage}`)
  const timeoutMs = timeoutMsOf(values.timeout, environment)
  return { stage: known, socket: values.socket ?? (environment.CONET_SOCKET || defaultSocket), timeoutMs }
}

function partsOf(argv: readonly string[]) {
  try {
    const text = { type: 'string' } as const
    return parseArgs({ args: [...argv], options: { socket: text, timeout: text }, allowPositionals: true })
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  }
}
