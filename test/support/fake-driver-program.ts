// The fake driver: a real program on the SDK that does what a file says and records each call it gets.
import {
  type Call,
  ConetError,
  defineDriver,
  type EndpointRef,
  type EndpointStats,
  type HostHandle,
  isErrorKind,
  onAbort,
  type PeersBatch,
  type PolicyParams,
  runDriver,
} from '@conet/sdk'
import { KernelError } from '@conet/sdk/linux'
import {
  appendRecord,
  type FakeBehaviour,
  type FakeRecord,
  fakeVariables,
  readPlan,
} from './fake-driver-plan.ts'

const planPath = process.env[fakeVariables.plan]
const recordPath = process.env[fakeVariables.record]
const counts = new Map<string, number>()
const networks = new Set<string>()
const endpoints = new Map<string, EndpointRef>()
let hostHandle: HostHandle | undefined

function behaviourOf(method: string, params: unknown): FakeBehaviour {
  const count = (counts.get(method) ?? 0) + 1
  counts.set(method, count)
  const text = JSON.stringify(params) ?? ''
  const fits = ({ fromCall = 1, toCall = Number.POSITIVE_INFINITY, only = '' }: FakeBehaviour) =>
    count >= fromCall && count <= toCall && text.includes(only)
  return [readPlan(planPath).methods?.[method] ?? []].flat().find(fits) ?? {}
}

/** Waits for the time, or until the call is given up. */
function pause({ delayMs, hangs, ignoresAbort }: FakeBehaviour, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!hangs) setTimeout(resolve, delayMs ?? 0)
    // A timer keeps the process alive, as work would.
    else setInterval(() => undefined, 1_000)
    // It may have been given up before this call of the author's code began.
    if (!ignoresAbort && signal !== undefined) onAbort(signal, () => reject(signal.reason))
  })
}

function fail({ error, bug, errno }: FakeBehaviour, method: string): void {
  if (error !== undefined && isErrorKind(error.kind)) throw new ConetError(error.kind, error.message, error)
  if (bug !== undefined) throw new Error(bug)
  if (errno !== undefined) {
    throw new KernelError({ errno, operation: `fake ${method}`, kernelMessage: 'said the fake' })
  }
}

async function behave(method: string, params: unknown, call?: Call): Promise<FakeBehaviour> {
  const record = (event: FakeRecord['event']) =>
    appendRecord(recordPath, recordOf(event, method, params, call))
  const behaviour = behaviourOf(method, params)
  record('begin')
  if (call !== undefined) onAbort(call.signal, () => record('abort'))
  const { readiness } = behaviour
  if (readiness !== undefined) hostHandle?.readiness(readiness === '', readiness || undefined)
  if (behaviour.crashes) process.kill(process.pid, 'SIGKILL')
  try {
    if (behaviour.hangs || behaviour.delayMs !== undefined) await pause(behaviour, call?.signal)
    fail(behaviour, method)
  } catch (error) {
    record('fail')
    throw error
  }
  if (behaviour.repairs !== undefined) call?.repaired(behaviour.repairs)
  const { logs } = behaviour
  if (logs !== undefined) call?.log(logs.level, logs.message, logs.fields)
  record('end')
  return behaviour
}

function recordOf(event: FakeRecord['event'], method: string, params: unknown, call?: Call): FakeRecord {
  const { operationId, attempt } = call ?? {}
  const ids = operationId === undefined || attempt === undefined ? {} : { operationId, attempt }
  return { pid: process.pid, event, method, params, ...ids }
}

/** A result from the plan may be wrong on purpose, which the compiler cannot know. */
function planned<T>({ result }: FakeBehaviour, otherwise: T): T {
  return result === undefined ? otherwise : JSON.parse(JSON.stringify(result))
}

const { schemas = {}, offers = [] } = readPlan(planPath)

const driver = defineDriver({
  name: process.env[fakeVariables.name] ?? 'fake',
  vendor: 'conet',
  version: '0.1.0',
  ...schemas,
  ...(schemas.scope === 'global' && {
    async peers(batch: PeersBatch, call: Call) {
      await behave('network/peers', batch, call)
    },
  }),
  ...(offers.includes('endpoint/policy') && {
    async policy(params: PolicyParams, call: Call) {
      await behave('endpoint/policy', params, call)
    },
  }),
  ...(offers.includes('policy/check') && {
    async checkPolicy(policy: object, call: Call) {
      await behave('policy/check', { policy }, call)
    },
  }),
  ...(offers.includes('endpoint/stats') && {
    async stats(asked: readonly EndpointRef[], call: Call) {
      return planned<EndpointStats[]>(await behave('endpoint/stats', { endpoints: asked }, call), [])
    },
  }),
  async start(host: HostHandle) {
    hostHandle = host
    await behave('start', {})
    host.event({ type: 'started', message: 'the fake driver has started' })
  },
  async stop() {
    await behave('stop', {})
  },
  async createNetwork(network, call) {
    await behave('network/create', { network }, call)
    networks.add(network.id)
  },
  async deleteNetwork(networkId, call) {
    await behave('network/delete', { networkId }, call)
    networks.delete(networkId)
  },
  async listNetworks(call) {
    const behaviour = await behave('network/list', {}, call)
    return planned(behaviour, [...networks, ...(readPlan(planPath).has?.networkIds ?? [])])
  },
  async createEndpoint(params, call) {
    const behaviour = await behave('endpoint/create', params, call)
    endpoints.set(params.endpointId, { networkId: params.network.id, endpointId: params.endpointId })
    return planned(behaviour, {})
  },
  async deleteEndpoint(endpoint, call) {
    await behave('endpoint/delete', endpoint, call)
    endpoints.delete(endpoint.endpointId)
  },
  async listEndpoints(call) {
    const behaviour = await behave('endpoint/list', {}, call)
    return planned(behaviour, [...endpoints.values(), ...(readPlan(planPath).has?.endpoints ?? [])])
  },
  async plug(params, call) {
    return planned(await behave('endpoint/plug', params, call), { interfaces: [] })
  },
  async unplug(params, call) {
    await behave('endpoint/unplug', params, call)
  },
})

void runDriver(driver)
