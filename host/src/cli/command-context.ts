// What all commands share: the way to the host, and how they write results and failures.
import type { CallOptions, ConetClient, Removal } from '@conet/sdk/client'
import type { Command } from 'commander'
import { shellWord } from '../domain/shell-word.ts'
import { printable } from './show/printable.ts'
import type { Terminal } from './terminal.ts'
import { pathOf } from './usage-error.ts'

export type GlobalOptions = {
  socket?: string
  runtimeSocket?: string
  /** Milliseconds. */
  timeout?: number
}

/** Goes into every call, so that Ctrl-C ends it. */
type Interruptible = Pick<CallOptions, 'signal'>

export class CommandContext {
  readonly terminal: Terminal
  /** Read when a command runs, after the command line was parsed. */
  readonly #options: () => GlobalOptions
  /** What helps when the command that runs does not find something. */
  #hints: readonly string[] = []
  #running: Command | undefined
  #flags: ReadonlyMap<string, readonly string[]> = new Map()

  constructor(terminal: Terminal, options: () => GlobalOptions) {
    this.terminal = terminal
    this.#options = options
  }

  /** For a command and those below it, which may have hints of their own. */
  hintFor(command: Command, hints: readonly string[]): void {
    command.hook('preAction', (_command, { args: [handle = 'HANDLE'] }) => {
      this.#hints = hints.map((hint) => hint.replace('HANDLE', () => shellWord(handle)))
    })
  }

  /** Of a command: its flags by those fields of the request that have other names. */
  flagsFor(command: Command, flags: Readonly<Record<string, readonly string[]>>): void {
    command.hook('preAction', () => {
      this.#flags = new Map(Object.entries(flags))
    })
  }

  /** Before its action. */
  begins(command: Command): void {
    this.#running = command
  }

  async withClient<T>(use: (client: ConetClient, call: Interruptible) => Promise<T>): Promise<T> {
    // Loaded here, so that help and usage errors do not wait for it.
    const { ConetClient } = await import('@conet/sdk/client')
    await using client = new ConetClient(this.#clientOptions())
    return await use(client, { signal: this.terminal.signal })
  }

  /** One result on a line of its own. */
  line(text: string): void {
    this.terminal.out(`${printable(text)}\n`)
  }

  json(value: unknown): void {
    this.terminal.out(`${JSON.stringify(value, null, 2)}\n`)
  }

  /** A word to a person, beside the result. */
  note(text: string): void {
    this.terminal.err(`conet: ${printable(text)}\n`)
  }

  /** Says what was removed, and when some of it is still to come. */
  removed(name: string, { state }: Removal): void {
    this.line(name)
    if (state === 'gone') return
    this.note(
      `${name}: its driver is awaited; the rest is done when the driver is back (conet status shows what waits)`,
    )
  }

  /** Writes the failure and gives its exit code. */
  async report(error: unknown): Promise<number> {
    const { failureOf } = await import('./failure.ts')
    const { text, exitCode } = failureOf(error, {
      hints: this.#hints,
      usage: this.#running && `${pathOf(this.#running)} --help`,
      flagsOf: (path) => this.#givenFlagsOf(path),
    })
    this.terminal.err(text)
    return exitCode
  }

  /** `subnets[0].gateway` comes from the flag of `subnets`. */
  #givenFlagsOf(path: string): readonly string[] {
    const [field = ''] = path.split(/[.[]/)
    const given = this.#running?.options
      .filter((option) => this.#running?.getOptionValueSource(option.attributeName()) === 'cli')
      .map(({ long }) => long)
    return (this.#flags.get(field) ?? []).filter((flag) => given?.includes(flag))
  }

  #clientOptions() {
    const { socket, runtimeSocket, timeout } = this.#options()
    const { env } = this.terminal
    const socketPath = socket ?? (env.CONET_SOCKET || undefined)
    const runtimeSocketPath = runtimeSocket ?? (env.CONET_RUNTIME_SOCKET || undefined)
    return {
      ...(socketPath === undefined ? {} : { socketPath }),
      ...(runtimeSocketPath === undefined ? {} : { runtimeSocketPath }),
      ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    }
  }
}
