// The driver of a run: started if need be, asked once who it is, started again when a check has ended it.
import { type InitializeResult, requests } from '../../protocol/index.ts'
import { Violation } from '../checks/verdicts.ts'
import { commandTarget } from '../target/command-target.ts'
import { socketTarget } from '../target/socket-target.ts'
import { endOf, type Target } from '../target/target.ts'
import { Transcript } from '../transcript/transcript.ts'
import { KitHost } from '../wire/kit-host.ts'
import { Patience } from '../wire/patience.ts'
import { DriverUnreachable, RawConnection } from '../wire/raw-connection.ts'
import type { ConformanceOptions } from './options.ts'

const startMs = 30_000
const stopMs = 8_000
const introductionMs = 10_000
const servingMs = 3_000
const obituaryMs = 100
/** So often the driver may fail to start again; from then on nobody waits for it any more. */
const mostFailures = 2

export class DriverUnderTest implements AsyncDisposable {
  readonly target: Target
  /** Undefined when it did not introduce itself properly. */
  readonly introduction: InitializeResult | undefined
  /** Why there is no introduction. */
  readonly stranger: Violation | undefined
  readonly #scale: number
  #failures = 0

  private constructor(target: Target, introduction: InitializeResult | Violation, scale: number) {
    this.target = target
    this.#scale = scale
    const isStranger = introduction instanceof Violation
    this.introduction = isStranger ? undefined : introduction
    this.stranger = isStranger ? introduction : undefined
  }

  /** Rejects with DriverUnreachable, or with the signal's reason. */
  static async open(options: ConformanceOptions, signal?: AbortSignal): Promise<DriverUnderTest> {
    const { command, timeScale: scale = 1 } = options
    const times = { startMs: startMs * Math.max(1, scale), stopMs }
    const target =
      command === undefined
        ? socketTarget(options.socketPath)
        : await commandTarget({ command, ...times }, signal)
    try {
      return new DriverUnderTest(target, await introductionOf(target, introductionMs * scale, signal), scale)
    } catch (error) {
      await target[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Whether another host gets an answer now, soon. */
  async isServing(signal?: AbortSignal): Promise<boolean> {
    try {
      return !((await introductionOf(this.target, servingMs * this.#scale, signal)) instanceof Violation)
    } catch (error) {
      if (error instanceof DriverUnreachable) return false
      throw error
    }
  }

  /** Starts it again if it is gone. Rejects with a Violation. */
  async revive(): Promise<void> {
    const { process } = this.target
    if (process === undefined || process.isAlive) return
    if (this.#failures === mostFailures) throw new Violation('not tried: the driver does not start any more')
    try {
      await process.restart()
      this.#failures = 0
    } catch (error) {
      if (!(error instanceof DriverUnreachable)) throw error
      this.#failures += 1
      throw new Violation(`the driver, which had ended, does not start again: ${error.message}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target[Symbol.asyncDispose]()
  }
}

async function introductionOf(
  target: Target,
  callMs: number,
  signal?: AbortSignal,
): Promise<InitializeResult | Violation> {
  using connection = await RawConnection.dial(target.socketPath, new Transcript('introduction', 0), callMs)
  const patience = new Patience({ callMs, toleranceMs: 0, momentMs: callMs })
  const host = new KitHost(connection, patience, () => 'introduction')
  const close = () => connection.close()
  signal?.addEventListener('abort', close, { once: true })
  try {
    return await host.handshake()
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof Violation) return notTried(error, target)
    throw error
  } finally {
    signal?.removeEventListener('abort', close)
  }
}

/** For the checks that need an introduction. */
async function notTried({ message }: Violation, { process }: Target): Promise<Violation> {
  const end = process === undefined ? undefined : await endOf(process, obituaryMs)
  const died = end === undefined ? '' : `; its process ended (${end})`
  return new Violation(`not tried: the driver does not introduce itself: ${message}${died}`, {
    expected: 'an answer to initialize: handshake.introduction says what is wrong with it',
  })
}

/** What is assumed of a driver that did not say what it is. */
export const minimalIntroduction: InitializeResult = {
  protocolVersion: '1.0',
  driver: { name: 'unknown', version: '0.0.0', instanceId: 'unknown' },
  capabilities: {
    methods: Object.entries(requests).flatMap(([method, { required }]) => (required ? [method] : [])),
    scope: 'local',
  },
  limits: { maxMessageBytes: 1024 * 1024 },
}
