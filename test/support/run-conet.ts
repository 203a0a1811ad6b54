// The command line in this process, its output in memory.
import { run } from '@conet/host/cli/run'
import { Interruption, type Terminal } from '@conet/host/cli/terminal'

export type Outcome = { code: number; out: string; err: string }

export type Surroundings = { socketPath?: string; env?: Record<string, string>; signal?: AbortSignal }

/** `await conet(['net', 'list'], host)`. */
export async function conet(words: readonly string[], around: Surroundings = {}): Promise<Outcome> {
  const outcome = { out: '', err: '' }
  const terminal: Terminal = {
    out: (text) => {
      outcome.out += text
    },
    err: (text) => {
      outcome.err += text
    },
    env: { CONET_SOCKET: around.socketPath ?? '/nowhere/conetd.sock', ...around.env },
    columns: undefined,
    signal: around.signal ?? new AbortController().signal,
  }
  const code = await run(words, terminal)
  return { code, ...outcome }
}

export { Interruption }
