// conet-guardian and conet-oci-hook as their runtimes run them: by argv and standard input, and by what comes back.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { repository } from './repository.ts'

export const guardianProgram = join(repository, 'host/bin/conet-guardian.js')
export const hookProgram = join(repository, 'host/bin/conet-oci-hook.js')

export type Ran = {
  readonly code: number | null
  readonly out: string
  readonly err: string
  readonly ms: number
}

/** Runs a program to its end with that standard input. */
export function runWith(argv: readonly string[], input: string | Buffer): Promise<Ran> {
  const [program = '', ...rest] = argv
  const begin = performance.now()
  const child = spawn(program, rest, { stdio: 'pipe' })
  const text = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text.out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text.err += chunk
  })
  // Who does not read what he is given has ended already.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...text, ms: performance.now() - begin }))
  })
}

/** A Guardian with `--network-plugin conet-guardian --network-plugin-extra-arg=--socket=…`. */
export class Guardian {
  readonly #socket: string
  readonly #through: readonly string[]

  /** `through`: a program that runs what follows it. */
  constructor(socket: string, through: readonly string[] = []) {
    this.#socket = socket
    this.#through = through
  }

  /** What Guardian writes, byte for byte: `null` for a `down`. */
  run(action: string, handle: string, input: unknown): Promise<Ran> {
    const own = [process.execPath, guardianProgram, `--socket=${this.#socket}`]
    const given = ['--action', action, '--handle', handle]
    return runWith([...this.#through, ...own, ...given], JSON.stringify(input))
  }

  /** The properties that Garden would keep. Throws what went wrong. */
  async up(handle: string, input: unknown): Promise<Record<string, string>> {
    const { code, out, err } = await this.run('up', handle, input)
    if (code !== 0) throw new Error(err)
    return JSON.parse(out).properties
  }

  async down(handle: string): Promise<void> {
    const { code, err } = await this.run('down', handle, null)
    if (code !== 0) throw new Error(err)
  }
}

/** A process in a network namespace of its own, as a container runtime leaves one. Whoever starts it ends it. */
export class ContainerInit implements AsyncDisposable {
  readonly pid: number
  readonly #end: () => Promise<void>

  private constructor(pid: number, end: () => Promise<void>) {
    this.pid = pid
    this.#end = end
  }

  static async start(): Promise<ContainerInit> {
    // unshare(1) executes the program in its own place, so that its pid is the container's.
    const child = spawn('unshare', ['-n', 'sh', '-c', 'echo in; exec sleep 3600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { pid } = child
    if (pid === undefined) throw new Error('unshare did not start')
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    return new ContainerInit(pid, () => {
      child.kill('SIGKILL')
      return ended
    })
  }

  /** May be repeated. */
  end(): Promise<void> {
    return this.#end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end()
  }
}
