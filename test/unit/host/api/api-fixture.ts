// A server of the API over records in memory: the operations are the ones a test gives.

import type { ApiContext, Operations } from '@conet/host/api/api-context'
import { IdempotencyKeys } from '@conet/host/api/idempotency-keys'
import { buildServer } from '@conet/host/api/server'
import type { ContainerRecord, SandboxRecord } from '@conet/host/domain/container'
import type { EndpointRecord } from '@conet/host/domain/endpoint'
import type { NetworkRecord } from '@conet/host/domain/network'
import { EventLog } from '@conet/host/lifecycle/event-log'
import { Store } from '@conet/host/store/index'
import { ConetError } from '@conet/sdk'
import type { EventView, RequestLine } from '@conet/sdk/api'
import { pino } from 'pino'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'

export const networkId = 'a'.repeat(64)
export const endpointId = 'e'.repeat(64)

export const network: NetworkRecord = {
  id: networkId,
  name: 'blue',
  type: 'null',
  state: 'active',
  labels: { team: 'red' },
  internal: false,
  subnets: [{ family: 4, subnet: '10.1.0.0/16', gateway: '10.1.0.1', exclude: [] }],
  config: { someKey: { Nested_Key: 1 } },
  createdAt: '2026-01-01T00:00:00.000Z',
  request: '{}',
}

export const container: ContainerRecord = {
  handle: 'web',
  labels: {},
  attachments: [{ name: 'blue', networkId, addresses: [], options: {} }],
  config: { attach_to: ['blue'], extra: { kept: true } },
  createdAt: '2026-01-01T00:00:00.000Z',
}

export const sandbox: SandboxRecord = {
  handle: 'web',
  id: 'f'.repeat(32),
  path: '/run/conet/ns/f',
  owner: 'conet',
  namespace: '4:1',
  state: 'up',
  hold: '1',
  foreignInterfaces: [],
}

export const endpoint: EndpointRecord = {
  id: endpointId,
  networkId,
  handle: 'web',
  attachment: 'blue',
  madeBy: 'up',
  order: 0,
  state: 'plugged',
  interface: {
    name: 'eth0',
    macAddress: '02:42:0a:01:00:02',
    addresses: ['10.1.0.2/16'],
    defaultRoute: true,
    routes: [],
  },
  options: {},
  createdAt: '2026-01-01T00:00:00.000Z',
}

async function unexpected(): Promise<never> {
  throw new Error('this operation was not expected')
}

const noOperations: Operations = {
  createNetwork: unexpected,
  deleteNetwork: unexpected,
  forgetNetwork: unexpected,
  configureContainer: unexpected,
  setPolicies: unexpected,
  setDefaultPolicy: unexpected,
  readCounters: unexpected,
  removeContainer: unexpected,
  plug: unexpected,
  unplug: unexpected,
  up: unexpected,
  down: unexpected,
  netIn: unexpected,
  netOut: unexpected,
  netOutBulk: unexpected,
}

export class EventFeed {
  readonly #log = new EventLog({ nextId: 1, events: [] })
  readonly listeners = new Set<(event: EventView) => void>()

  push(type: string): void {
    this.#log.append({ type })
  }

  since(id: number): EventView[] | undefined {
    return this.#log.since(id)
  }

  ofContainer(): undefined {}

  lastId(): number {
    return this.#log.lastId()
  }

  subscribe(listener: (event: EventView) => void): () => void {
    this.listeners.add(listener)
    const unsubscribe = this.#log.subscribe(listener)
    return () => {
      this.listeners.delete(listener)
      unsubscribe()
    }
  }
}

export type ApiFixture = AsyncDisposable & {
  readonly app: ReturnType<typeof buildServer>
  readonly feed: EventFeed
  readonly logged: string[]
}

export async function apiFixture(
  operations: Partial<Operations> = {},
  {
    family = 'client',
    servesLegacyApi = true,
  }: { family?: RequestLine['family']; servesLegacyApi?: boolean } = {},
): Promise<ApiFixture> {
  const directory = await temporaryDirectory()
  const store = await openStore(directory.path)
  const feed = new EventFeed()
  const logged: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) })
  const inventory = {
    networks: new Map([[networkId, network]]),
    containers: new Map([['web', container]]),
    sandboxes: new Map([['web', sandbox]]),
    endpoints: new Map([[endpointId, endpoint]]),
    endpointsOfNetwork: (id: string) => (id === networkId ? [endpoint] : []),
    endpointsOfContainer: (handle: string) => (handle === 'web' ? [endpoint] : []),
    resolutionOf: () => ({ files: { hosts: '/run/conet/resolver/f/hosts' } }),
  }
  const context: ApiContext = {
    version: '1.2.3',
    operations: { ...noOperations, ...operations },
    inventory,
    usageOf: () => [{ used: 1, capacity: 65_533 }],
    servesLegacyApi,
    externalAddress: { current: '192.0.2.7' },
    drivers: {
      list: () => [],
      get: (name) => {
        throw new ConetError('notFound', `no driver is named ${name}`)
      },
      stateOf: () => 'ready',
      start: unexpected,
      stop: unexpected,
    },
    nodes: {
      list: unexpected,
      get: unexpected,
      remove: unexpected,
      removeFenced: unexpected,
      wholeNetwork: async () => undefined,
    },
    events: feed,
    pools: () => ({ address_pools: [], subnets: [], port_pool: { start: 61_001, size: 10, used: 0 } }),
    reconciliation: { preview: unexpected, run: unexpected },
    metrics: unexpected,
    status: unexpected,
    idempotencyKeys: new IdempotencyKeys({
      store,
      onError: (error) => {
        throw error
      },
    }),
    log,
  }
  const app = buildServer(context, family)
  await app.ready()
  return {
    app,
    feed,
    logged,
    async [Symbol.asyncDispose]() {
      await app.close()
      await context.idempotencyKeys.flush()
      await store.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

export function openStore(directory: string): Promise<Store> {
  return Store.open({
    path: `${directory}/volatile.lmdb`,
    durable: false,
    schema: { version: 1 },
    onQuarantine: () => undefined,
  })
}
