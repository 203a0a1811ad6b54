// The good way of each method. A method looks, works, and changes the records in one step at its end, so that what is
// given up has done nothing.
import { ConetError, type Params, type RequestMethod } from '@conet/sdk'
import type { Call } from './call.ts'
import { createEndpoint, createNetwork, plug, setPolicy, statsOf } from './life.ts'
import type { Scope } from './order.ts'
import { setPeers } from './peers.ts'
import { sync } from './sync.ts'
import type { ZooDriver } from './zoo-driver.ts'

export type ZooMethod = Exclude<RequestMethod, 'initialize'>

export type Method<M extends ZooMethod> = (params: Params<M>, call: Call) => Promise<object>

export type Methods = { readonly [M in ZooMethod]: Method<M> }

export const methods: Methods = {
  'driver/ping': async () => ({}),
  'driver/probe': async () => ({ healthy: true, checks: [{ name: 'cages', ok: true }] }),
  'driver/sync': sync,
  'driver/drain': drain,
  'network/create': async ({ network }, call) => {
    await work(call)
    createNetwork(call.session.driver, network)
    return {}
  },
  'network/delete': deleteNetwork,
  'network/list': async (_params, { session }) => ({
    networkIds: [...session.driver.records.networks.keys()],
  }),
  'network/peers': async (params, call) => {
    await work(call)
    return setPeers(call.session.driver, params)
  },
  'endpoint/create': async (params, call) => {
    await work(call)
    return createEndpoint(call.session.driver, params)
  },
  'endpoint/delete': async ({ endpointId }, call) => {
    await work(call)
    call.session.driver.records.endpoints.delete(endpointId)
    return {}
  },
  'endpoint/list': async (_params, { session }) => ({ endpoints: session.driver.records.refs() }),
  'endpoint/plug': async (params, call) => {
    const { driver, failedCreates } = call.session
    await work(call)
    if (failedCreates.has(params.endpointId)) {
      throw new ConetError('failedPrecondition', `plug endpoint ${params.endpointId}: its create failed`)
    }
    return plug(driver, params)
  },
  'endpoint/unplug': async ({ endpointId }, call) => {
    await work(call)
    call.session.driver.records.unplug(endpointId)
    return {}
  },
  'endpoint/policy': async (params, call) => {
    await work(call)
    return setPolicy(call.session.driver, params)
  },
  'policy/check': async () => ({}),
  'endpoint/stats': async ({ endpoints }, { session }) => statsOf(session.driver, endpoints),
}

/** What a call works on, for the order of calls; undefined: it runs beside everything. */
export function scopeOf(params: object): Scope | undefined {
  const { network, networkId = network?.id, endpointId }: Named = params
  if (networkId === undefined) return undefined
  return endpointId === undefined ? { networkId } : { networkId, endpointId }
}

type Named = {
  readonly network?: { readonly id: string }
  readonly networkId?: string
  readonly endpointId?: string
}

const refusedWhileDraining: ReadonlySet<string> = new Set([
  'network/create',
  'network/peers',
  'endpoint/create',
  'endpoint/plug',
  'endpoint/policy',
])

/** Asked when a call arrives: what came before the drain is still served (DRAIN-2). */
export function assertNotDraining({ isDraining }: ZooDriver, method: string): void {
  if (!isDraining || !refusedWhileDraining.has(method)) return
  throw new ConetError('draining', `${method}: another instance has taken over`)
}

function work(call: Call): Promise<void> {
  return call.session.driver.behaviour.work(call)
}

async function deleteNetwork({ networkId }: Params<'network/delete'>, call: Call): Promise<object> {
  await work(call)
  const { records } = call.session.driver
  if (records.hasEndpointsIn(networkId)) {
    throw new ConetError('inUse', `delete network ${networkId}: it has endpoints`)
  }
  records.networks.delete(networkId)
  records.peers.delete(networkId)
  return {}
}

async function drain(_params: object, { session }: Call): Promise<object> {
  session.driver.isDraining = true
  await session.driver.order.idle()
  return {}
}
