// Where the demo plays: runs each command as a person would type it, prints it with its output and its time, and checks.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Check, CheckFailed } from './check.ts'

export type Output = { readonly out: string; readonly err: string; readonly code: number | null }

export type SceneOptions = {
  /** For everything that the story writes; also the working directory. */
  readonly directory: string
  readonly environment: NodeJS.ProcessEnv
  readonly print: (text: string) => void
  readonly signal: AbortSignal
}

export class Scene {
  readonly directory: string
  readonly signal: AbortSignal
  /** How many checks have passed. */
  checked = 0
  readonly #options: SceneOptions

  constructor(options: SceneOptions) {
    this.#options = options
    this.directory = options.directory
    this.signal = options.signal
  }

  chapter(title: string): void {
    this.#options.print(`\n== ${title}\n\n`)
  }

  /** Runs a command line, prints it all, and checks that it succeeded. Answers what it wrote on stdout. */
  async type(command: string): Promise<string> {
    const { out, err, code } = await this.attempt(command)
    if (code !== 0) {
      throw new CheckFailed({ what: command, expected: 'exit code 0', found: `${code}: ${err.trim()}` })
    }
    this.checked++
    return out
  }

  /** As `type`, without a word: for what only the checks want to know. Still it must succeed. */
  async ask(command: string): Promise<string> {
    const { out, err, code } = await this.#execute(command)
    if (code !== 0)
      throw new CheckFailed({ what: command, expected: 'exit code 0', found: `${code}: ${err}${out}` })
    return out
  }

  /** As `type`, for a command that may fail. */
  async attempt(command: string): Promise<Output> {
    this.#options.print(`# ${command}\n`)
    const start = performance.now()
    const output = await this.#execute(command)
    const ms = performance.now() - start
    this.#options.print(`${output.out}${output.err}  (${ms.toFixed(0)} ms)\n`)
    this.signal.throwIfAborted()
    return output
  }

  /** For what is no command line, such as starting the daemon. */
  async act<T>(shown: string, work: () => Promise<T>): Promise<T> {
    this.#options.print(`# ${shown}\n`)
    const start = performance.now()
    const result = await work()
    this.#options.print(`  (${(performance.now() - start).toFixed(0)} ms)\n`)
    this.signal.throwIfAborted()
    return result
  }

  check(check: Check & { holds: boolean }): void {
    if (!check.holds) throw new CheckFailed(check)
    this.checked++
    this.#options.print(`  ok: ${check.what}\n`)
  }

  equal(what: string, { expected, found }: { expected: unknown; found: unknown }): void {
    const [one, other] = [JSON.stringify(expected), JSON.stringify(found)]
    this.check({ what, expected: one, found: other, holds: one === other })
  }

  /** Answers the match. */
  match(what: string, { expected, found }: { expected: RegExp; found: string }): RegExpExecArray {
    const matched = expected.exec(found)
    if (matched === null) throw new CheckFailed({ what, expected: String(expected), found: found.trim() })
    this.checked++
    this.#options.print(`  ok: ${what}\n`)
    return matched
  }

  /** Into files and not pipes: a container that is created here keeps what it was given open. */
  async #execute(command: string): Promise<Output> {
    const { environment } = this.#options
    const paths = { out: join(this.directory, 'stdout'), err: join(this.directory, 'stderr') }
    const [out, err] = [openSync(paths.out, 'w'), openSync(paths.err, 'w')]
    try {
      const child = spawn('sh', ['-c', command], {
        cwd: this.directory,
        env: environment,
        stdio: ['ignore', out, err],
      })
      const code = await new Promise<number | null>((resolve, reject) => {
        child.on('error', reject)
        child.on('exit', resolve)
      })
      return { out: readFileSync(paths.out, 'utf8'), err: readFileSync(paths.err, 'utf8'), code }
    } finally {
      closeSync(out)
      closeSync(err)
    }
  }
}
