// Which function of a driver answers which request, and what the request works on. The rest of the SDK reads this
// table and the protocol's; nothing about a method is written twice.
import { ConetError } from '../errors/index.ts'
import { isRequestMethod, type Params, type RequestMethod, type Result, requests } from '../protocol/index.ts'
import type { Scope } from './call-order.ts'
import type { Call, Driver } from './driver.ts'
import type { HeldPeers } from './held-peers.ts'
import type { ToldObjects } from './told-objects.ts'

/** Requests that the SDK answers itself. */
type OwnMethod = 'initialize' | 'driver/sync' | 'driver/ping' | 'driver/drain'

/** Requests that go to the author's code. */
export type DriverMethod = Exclude<RequestMethod, OwnMethod>

/** The author's code, and what stands before the part of it that makes and ends objects. */
export type Served = {
  readonly driver: Driver
  readonly objects: ToldObjects
  readonly peers: HeldPeers
}

type DriverCall<M extends DriverMethod> = {
  /** The function of the driver; a driver without it does not offer the method, unless the SDK stands in. */
  readonly member: keyof Driver
  /** New work: refused while the driver drains. */
  readonly isNewWork?: true
  /** What it works on, for the order of calls; undefined: it runs beside everything. */
  scope(params: Params<M>): Scope | undefined
  /** `Call.isRepair`; absent: never. */
  isRepair?(served: Served, params: Params<M>): boolean
  run(served: Served, params: Params<M>, call: Call): Promise<Result<M>>
}

export const driverCalls: { readonly [M in DriverMethod]: DriverCall<M> } = {
  'driver/probe': {
    member: 'probe',
    scope: () => undefined,
    run: async ({ driver }, _params, call) => {
      if (driver.probe === undefined) throw lacking(driver, 'probe')
      return driver.probe(call)
    },
  },
  'network/create': {
    member: 'createNetwork',
    isNewWork: true,
    scope: ({ network }) => ({ networkId: network.id }),
    run: async ({ objects }, { network }, call) => {
      await objects.createNetwork(network, call)
      return {}
    },
  },
  'network/delete': {
    member: 'deleteNetwork',
    scope: ({ networkId }) => ({ networkId }),
    run: async ({ objects, peers }, { networkId }, call) => {
      await objects.deleteNetwork(networkId, call)
      peers.forget(networkId)
      return {}
    },
  },
  'network/list': {
    member: 'listNetworks',
    scope: () => undefined,
    run: async ({ driver, objects }, _params, call) => {
      const [networkIds, faults = []] = await Promise.all([
        objects.listNetworks(call),
        driver.networkFaults?.(call),
      ])
      return { networkIds, ...(faults.length > 0 && { faults }) }
    },
  },
  'network/peers': {
    member: 'peers',
    isNewWork: true,
    scope: ({ networkId }) => ({ networkId, isPeers: true }),
    run: ({ peers }, params, call) => peers.apply(params, call),
  },
  'endpoint/create': {
    member: 'createEndpoint',
    isNewWork: true,
    scope: ({ network, endpointId }) => ({ networkId: network.id, endpointId }),
    run: async ({ objects }, params, call) => objects.createEndpoint(params, call),
  },
  'endpoint/delete': {
    member: 'deleteEndpoint',
    scope: ({ networkId, endpointId }) => ({ networkId, endpointId }),
    run: async ({ objects }, endpoint, call) => {
      await objects.deleteEndpoint(endpoint, call)
      return {}
    },
  },
  'endpoint/plug': {
    member: 'plug',
    isNewWork: true,
    scope: ({ network, endpointId }) => ({ networkId: network.id, endpointId }),
    isRepair: ({ objects }, params) => objects.isPluggedOnRecord(params),
    run: ({ objects }, params, call) => objects.plug(params, call),
  },
  'endpoint/unplug': {
    member: 'unplug',
    scope: ({ networkId, endpointId }) => ({ networkId, endpointId }),
    run: async ({ objects }, params, call) => {
      await objects.unplug(params, call)
      return {}
    },
  },
  'endpoint/list': {
    member: 'listEndpoints',
    scope: () => undefined,
    run: async ({ objects }, _params, call) => ({ endpoints: await objects.listEndpoints(call) }),
  },
  'endpoint/policy': {
    member: 'policy',
    isNewWork: true,
    scope: ({ network, endpointId }) => ({ networkId: network.id, endpointId }),
    run: async ({ driver, objects }, params, call) => {
      if (driver.policy === undefined) throw lacking(driver, 'policy')
      objects.assertSameEndpoint('set the policy of', params)
      await driver.policy(params, call)
      return {}
    },
  },
  'policy/check': {
    member: 'checkPolicy',
    scope: () => undefined,
    run: async ({ driver }, { policy }, call) => {
      if (driver.checkPolicy === undefined) throw lacking(driver, 'checkPolicy')
      await driver.checkPolicy(policy, call)
      return {}
    },
  },
  'endpoint/stats': {
    member: 'stats',
    scope: () => undefined,
    run: async ({ driver }, { endpoints }, call) => {
      if (driver.stats === undefined) throw lacking(driver, 'stats')
      return { stats: await driver.stats(endpoints, call) }
    },
  },
}

function lacking({ name }: Driver, member: keyof Driver): ConetError {
  return new ConetError('unsupported', `driver "${name}": no ${member}`)
}

export function isDriverMethod(method: string): method is DriverMethod {
  return Object.hasOwn(driverCalls, method)
}

const allMethods = Object.keys(requests).filter(isRequestMethod)

/** Every request that this driver answers: what its capabilities list. */
export function methodsOf(driver: Driver): RequestMethod[] {
  return allMethods.filter((method) => isOffered(driver, method))
}

function isOffered(driver: Driver, method: RequestMethod): boolean {
  if (method === 'driver/drain') return driver.hotUpgrade === true
  if (requests[method].required || !isDriverMethod(method)) return true
  return driver[driverCalls[method].member] !== undefined
}

/** The functions of a driver that answer requests. */
export const driverMembers: readonly (keyof Driver)[] = allMethods
  .filter(isDriverMethod)
  .map((method) => driverCalls[method].member)
