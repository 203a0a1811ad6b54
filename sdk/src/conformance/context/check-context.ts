// What a check has at hand: connections, objects, sandboxes, patience. It owns all of them and ends them in reverse.
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  CreateEndpointParams,
  InitializeParams,
  InitializeResult,
  Network,
  PlugParams,
  PlugResult,
  Sandbox,
} from '../../protocol/index.ts'
import { Untestable, Violation } from '../checks/verdicts.ts'
import type { Target, TargetProcess } from '../target/target.ts'
import type { Transcript } from '../transcript/transcript.ts'
import { initializeParams, KitHost } from '../wire/kit-host.ts'
import type { Patience } from '../wire/patience.ts'
import { DriverUnreachable, RawConnection } from '../wire/raw-connection.ts'
import type { Json } from '../wire/strict-parser.ts'
import type { Objects } from './objects.ts'
import type { PropertyOptions } from './property-options.ts'
import type { Random } from './random.ts'
import { Sandboxes } from './sandboxes.ts'
import { takeAway } from './take-away.ts'

export type ContextOptions = {
  readonly target: Target
  /** How the driver introduced itself at the beginning of the run. */
  readonly introduction: InitializeResult
  readonly objects: Objects
  readonly random: Random
  /** For checks that run many random commands. */
  readonly property: PropertyOptions
  /** All patience of the kit is multiplied by it. */
  readonly scale: number
  readonly patience: Patience
  /** Other checks run meanwhile, on connections of their own. */
  readonly isBesideOthers: boolean
  newTranscript(): Transcript
}

const dialMs = 2_000
const pollMs = 10
/** For what a driver does at once: ends a connection, answers a ping. */
const promptMs = 3_000

export class CheckContext implements AsyncDisposable {
  readonly target: Target
  readonly introduction: InitializeResult
  readonly objects: Objects
  readonly random: Random
  readonly property: PropertyOptions
  readonly #options: ContextOptions
  readonly #connections: RawConnection[] = []
  readonly #sandboxes = new Sandboxes()
  #isOver = false

  constructor(options: ContextOptions) {
    this.#options = options
    this.target = options.target
    this.introduction = options.introduction
    this.objects = options.objects
    this.random = options.random
    this.property = options.property
  }

  /** A time of the kit's own patience, with the time scale of the run. Times that the protocol fixes are not scaled. */
  scaled(ms: number): number {
    return Math.max(1, Math.round(ms * this.#options.scale))
  }

  /** How long a driver may take for what it does at once. */
  get promptMs(): number {
    return this.scaled(promptMs)
  }

  /** Whether it is so, or becomes so while the driver may still take its time. */
  async soon(isSo: () => boolean): Promise<boolean> {
    const deadline = performance.now() + this.promptMs
    while (!isSo() && performance.now() < deadline) await sleep(pollMs)
    return isSo()
  }

  /** A connection, and nothing said yet. Rejects with a Violation if the driver takes none. */
  async dial(socketPath = this.target.socketPath): Promise<RawConnection> {
    this.#assertGoingOn()
    return this.#dial(socketPath)
  }

  async #dial(socketPath: string): Promise<RawConnection> {
    try {
      const transcript = this.#options.newTranscript()
      const connection = await RawConnection.dial(socketPath, transcript, this.scaled(dialMs))
      this.#connections.push(connection)
      return connection
    } catch (error) {
      if (error instanceof DriverUnreachable) throw new Violation(error.message)
      throw error
    }
  }

  /** The kit as host on a new connection that has not shaken hands. */
  async host(socketPath?: string): Promise<KitHost> {
    return this.#hostOn(await this.dial(socketPath))
  }

  #hostOn(connection: RawConnection): KitHost {
    return new KitHost(connection, this.#options.patience, () => this.random.hex(32))
  }

  /** The kit as host, after the handshake. */
  async connect(params?: Partial<InitializeParams>): Promise<KitHost> {
    const host = await this.host()
    await host.handshake(params)
    return host
  }

  /** Params of an `initialize` as any host could send it, with changes. */
  initializeParams(changes: Json = {}): InitializeParams {
    return {
      ...initializeParams(this.random.hex(32), this.#options.patience.callMs('initialize')),
      ...changes,
    }
  }

  /** An `initialize` as a message, for checks that send it in a way of their own. */
  initializeMessage(id: string | number = 1, changes: Json = {}): Json {
    return { jsonrpc: '2.0', id, method: 'initialize', params: this.initializeParams(changes) }
  }

  /** Fails unless a new connection is served, from handshake to ping: what came before did no lasting harm. */
  async expectServed(after: string): Promise<void> {
    try {
      using host = await this.connect()
      await host.call('driver/ping', {}, { waitMs: this.promptMs })
    } catch (error) {
      if (error instanceof Violation)
        throw new Violation(`after ${after} the driver serves nobody: ${error.message}`)
      throw error
    }
  }

  /** Fails unless the driver ends the connection soon, and serves new ones. */
  async expectEnded(connection: RawConnection, after: string, withinMs = this.promptMs): Promise<void> {
    const isEnded = await connection.endsWithin(withinMs)
    if (!isEnded)
      throw new Violation(`after ${after} the driver keeps the connection`, { expected: 'an end' })
    // Beside others it would disturb them where the driver is broken, and they show as much.
    if (!this.#options.isBesideOthers) await this.expectServed(after)
  }

  /** Asks for a new network. It is deleted when the check is over, like all that a check asks for. */
  async createNetwork(host: KitHost, changes: Partial<Network> = {}): Promise<Network> {
    const network = this.objects.network(changes)
    await host.call('network/create', { network })
    return network
  }

  /** Asks for a new endpoint; what is returned has the addresses of a driver with its own IPAM too. */
  async createEndpoint(
    host: KitHost,
    network: Network,
    changes: Partial<CreateEndpointParams> = {},
  ): Promise<CreateEndpointParams> {
    const endpoint = this.objects.endpoint(network, changes)
    const { addresses } = await host.call('endpoint/create', endpoint)
    if (addresses === undefined || this.introduction.capabilities.ipam !== 'driver') return endpoint
    return { ...endpoint, interface: { ...endpoint.interface, addresses } }
  }

  /** Plugs, and gives what the driver answers. */
  plug(host: KitHost, endpoint: CreateEndpointParams, sandbox: Sandbox): Promise<PlugResult> {
    const params: PlugParams = { ...endpoint, sandbox }
    return host.call('endpoint/plug', params)
  }

  /** A new network namespace. Without root the check is untestable. */
  sandbox(): Sandbox {
    this.#assertGoingOn()
    return this.#sandboxes.make()
  }

  /** Takes a sandbox away while something is plugged into it, as when a container dies. */
  deleteSandbox(sandbox: Sandbox): void {
    this.#sandboxes.delete(sandbox)
  }

  /** The driver's process; without a command the check is untestable. */
  get process(): TargetProcess {
    const { process } = this.target
    if (process === undefined) throw new Untestable('needs --command: the kit did not start this driver')
    const excuse = () => {
      for (const { transcript } of this.#connections) transcript.excuse('the kit ends the driver')
    }
    return excusing(process, excuse)
  }

  /** Before the end of the check: takes away what the driver was asked for until now, and ends the connections. */
  async takeAway(): Promise<void> {
    const transcripts = this.#connections.map(({ transcript }) => transcript)
    for (const connection of this.#connections.splice(0).reverse()) connection.close()
    try {
      await takeAway(transcripts, async () => {
        const host = this.#hostOn(await this.#dial(this.target.socketPath))
        await host.handshake()
        return host
      })
    } finally {
      for (const connection of this.#connections.splice(0)) connection.close()
    }
  }

  /** Takes away what the driver was asked for, ends connections and sandboxes; what fails is told. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    try {
      await this.takeAway()
    } finally {
      this.#sandboxes[Symbol.dispose]()
    }
  }

  /** A check that was given up may still be somewhere in its middle. */
  #assertGoingOn(): void {
    if (this.#isOver) throw new Violation('the check is over')
  }
}

/** The same process; what is under way when the kit ends it stays unanswered without being the driver's fault. */
function excusing(process: TargetProcess, excuse: () => void): TargetProcess {
  return {
    get pid() {
      return process.pid
    },
    get isAlive() {
      return process.isAlive
    },
    get ownEnd() {
      return process.ownEnd
    },
    get stderr() {
      return process.stderr
    },
    end(signal) {
      excuse()
      return process.end(signal)
    },
    restart() {
      excuse()
      return process.restart()
    },
    startAnother: () => process.startAnother(),
  }
}
