// A driver served in this process, in a directory of its own, with a client; every method can be replaced.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  ConetError,
  type Driver,
  type InitializedParams,
  Rollback,
  type ServedDriver,
  type ServeOptions,
  serveDriver,
} from '@conet/sdk'
import { DriverClient } from '../../../support/driver-client.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'

/** The program of the null driver. */
export const nullProgram = join(
  createRequire(import.meta.url).resolve('@conet/driver-null/package.json'),
  '../bin/conet-driver-null.js',
)

export function sampleDriver(overrides: Partial<Driver> = {}): Driver {
  return {
    name: 'sample',
    version: '1.2.3',
    async createNetwork() {},
    async deleteNetwork() {},
    async listNetworks() {
      return []
    },
    async createEndpoint() {},
    async deleteEndpoint() {},
    async listEndpoints() {
      return []
    },
    async plug() {
      return { interfaces: [] }
    },
    async unplug() {},
    ...overrides,
  }
}

export type LogLine = { level: string; message: string; driver: string; fields?: Record<string, unknown> }

export type Served = AsyncDisposable & {
  readonly driver: ServedDriver
  readonly socketPath: string
  readonly client: DriverClient
  readonly log: LogLine[]
  /** Another host's connection, accepted. */
  connect(): Promise<DriverClient>
}

export async function served(
  overrides: Partial<Driver> = {},
  options: Partial<ServeOptions> = {},
  verdict: InitializedParams = {},
): Promise<Served> {
  await using undo = new Rollback()
  const directory = await temporaryDirectory()
  undo.defer('remove the directory', async () => directory[Symbol.asyncDispose]())
  const log: LogLine[] = []
  const socketPath = join(directory.path, 'sample.sock')
  const writeLog = (line: string) => log.push(JSON.parse(line))
  const driver = await serveDriver(sampleDriver(overrides), {
    socketPath,
    writeLog,
    logLevel: 'debug',
    stopTimeoutMs: 200,
    ...options,
  })
  undo.defer('stop the driver', () => driver.close())
  const clients: DriverClient[] = []
  const connect = async () => {
    const client = await DriverClient.initialized(socketPath, verdict)
    clients.push(client)
    return client
  }
  const client = await connect()
  undo.commit()
  return {
    driver,
    socketPath,
    client,
    log,
    connect,
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((each) => each[Symbol.asyncDispose]()))
      // A test may have stopped it, with a failure that it expects.
      await driver.close().catch(() => undefined)
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** What a test holds back until it lets go. */
export class Gate {
  readonly #opened: Promise<void>
  open: () => void = () => undefined
  /** How often something came to the gate. */
  arrivals = 0

  constructor() {
    this.#opened = new Promise((resolve) => {
      this.open = resolve
    })
  }

  pass(): Promise<void> {
    this.arrivals += 1
    return this.#opened
  }
}

/** Resolves to what a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<ConetError> {
  const outcome: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (ConetError.is(outcome)) return outcome
  throw new Error(`expected a ConetError, not ${outcome}`)
}
