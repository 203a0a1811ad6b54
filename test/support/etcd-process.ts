// A real etcd on a directory and ports of its own: the only member, or one of several. Whoever starts it stops it.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, cpSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from './eventually.ts'
import { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.ts'

export type EtcdProcessOptions = {
  readonly address?: string
  readonly port?: number
  readonly flags?: readonly string[]
  /** Files: it serves TLS, and takes only clients with a certificate of the CA. */
  readonly tls?: EtcdCertificates
  /** The client ports of all members, at this address, of which this is one; who serves peers has the port behind it. */
  readonly members?: readonly number[]
}

export type EtcdCertificates = { readonly ca: string; readonly cert: string; readonly key: string }

export class EtcdProcess implements AsyncDisposable {
  readonly endpoint: string
  readonly #directory: TemporaryDirectory
  readonly #options: EtcdProcessOptions
  #process: ChildProcess | undefined
  #user: Readonly<Record<string, string>> = {}

  private constructor(directory: TemporaryDirectory, options: EtcdProcessOptions) {
    const { address = '127.0.0.1', port = 2379 } = options
    this.endpoint = `${address}:${port}`
    this.#directory = directory
    this.#options = options
  }

  /** Resolves when it answers. In the network namespace of the test. */
  static async start(options: EtcdProcessOptions = {}): Promise<EtcdProcess> {
    const etcd = new EtcdProcess(await temporaryDirectory(), options)
    await etcd.start()
    return etcd
  }

  async start(): Promise<void> {
    const { address = '127.0.0.1', port = 2379, flags = [], tls } = this.#options
    const client = `${tls === undefined ? 'http' : 'https'}://${address}:${port}`
    const peerOf = (client: number) => `http://127.0.0.1:${client + 1}`
    const peer = peerOf(port)
    const members = (this.#options.members ?? [port]).map((client) => `${nameOf(client)}=${peerOf(client)}`)
    const log = openSync(join(this.#directory.path, 'log'), 'a')
    this.#process = spawn(
      'etcd',
      [
        ...['--name', nameOf(port), '--data-dir', join(this.#directory.path, 'data'), '--logger', 'zap'],
        ...['--listen-client-urls', client, '--advertise-client-urls', client],
        ...[
          '--listen-peer-urls',
          peer,
          '--initial-advertise-peer-urls',
          peer,
          '--initial-cluster',
          members.join(','),
        ],
        ...(tls === undefined ? [] : tlsFlags(tls)),
        ...flags,
      ],
      { stdio: ['ignore', log, log] },
    )
    closeSync(log)
    await eventually(() => this.control('endpoint', 'health'), { timeoutMs: 10_000, everyMs: 50 })
  }

  /** From now on only known users may do what they are allowed to. */
  async askForPasswords(root: string): Promise<void> {
    await this.control('user', 'add', `root:${root}`)
    await this.control('user', 'grant-role', 'root', 'root')
    await this.control('auth', 'enable')
    this.#user = { ETCDCTL_USER: `root:${root}` }
  }

  /** Stands still, as a member does that is cut off. Resolves when the last of its threads does. */
  async pause(): Promise<void> {
    const tasks = `/proc/${this.#process?.pid}/task`
    this.#process?.kill('SIGSTOP')
    const isStill = (task: string) => / T /.test(readFileSync(join(tasks, task, 'stat'), 'utf8'))
    await eventually(() => readdirSync(tasks).every(isStill))
  }

  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Its data stay for the next start. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const running = this.#process
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const exit = once(running, 'exit')
    running.kill('SIGCONT')
    running.kill(signal)
    await exit
    this.#process = undefined
  }

  /** Starts again with nothing in it, as after its disk was lost. */
  async lose(): Promise<void> {
    await this.stop('SIGKILL')
    rmSync(join(this.#directory.path, 'data'), { recursive: true })
    await this.start()
  }

  /** A copy of all that it holds now. It stands still meanwhile. */
  async backUp(): Promise<void> {
    await this.stop()
    cpSync(join(this.#directory.path, 'data'), join(this.#directory.path, 'copy'), { recursive: true })
    await this.start()
  }

  /** Starts again with what it held when the copy was made. */
  async restore(): Promise<void> {
    await this.stop('SIGKILL')
    rmSync(join(this.#directory.path, 'data'), { recursive: true })
    renameSync(join(this.#directory.path, 'copy'), join(this.#directory.path, 'data'))
    await this.start()
  }

  /** Changes so many times what is nobody's here. */
  async writeOtherThings(times: number): Promise<void> {
    const { tls } = this.#options
    if (tls !== undefined) throw new Error('others write to an etcd without TLS only')
    // Most files need none, and loading it takes as long as starting a driver.
    const { EtcdStore } = await import('@conet/host/cluster/etcd-store')
    const store = new EtcdStore({ endpoints: [this.endpoint] })
    for (let time = 0; time < times; time++) await store.commit([], [{ put: '/others', value: `${time}` }])
    store.close()
  }

  /** What `etcdctl` prints. */
  async control(...argv: string[]): Promise<string> {
    const { tls } = this.#options
    const access = tls && { ETCDCTL_CACERT: tls.ca, ETCDCTL_CERT: tls.cert, ETCDCTL_KEY: tls.key }
    const endpoints = `${tls === undefined ? 'http' : 'https'}://${this.endpoint}`
    const { stdout } = await promisify(execFile)('etcdctl', argv, {
      env: { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoints, ...access, ...this.#user },
      timeout: 5_000,
    })
    return stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL')
    await this.#directory[Symbol.asyncDispose]()
  }
}

function nameOf(port: number): string {
  return `m${port}`
}

function tlsFlags({ ca, cert, key }: EtcdCertificates): string[] {
  return ['--trusted-ca-file', ca, '--cert-file', cert, '--key-file', key, '--client-cert-auth']
}
