// Drivers that are told of peers and lose count, or take what cannot be.
import { ConetError } from '@conet/sdk'
import { type Mutation, method } from './mutation.ts'

export const peerMutations: readonly Mutation[] = [
  {
    name: 'peersOldVersion',
    does: 'answers a change with the version that it builds on',
    fails: ['peers.conflict', 'peers.gap', 'peers.repeated', 'peers.snapshot', 'peers.versions'],
    change: method('network/peers', (good) => async (params, call) => {
      await good(params, call)
      return { version: params.base ?? params.version }
    }),
  },
  {
    name: 'peersNoGap',
    does: 'takes a change whatever it builds on',
    fails: ['peers.forgotten', 'peers.gap'],
    change: method('network/peers', (good) => (params, call) => {
      const { peers, networks } = call.session.driver.records
      if (networks.has(params.networkId) && params.base !== null) {
        const members = new Map(peers.get(params.networkId)?.members)
        peers.set(params.networkId, { version: params.base, members })
      }
      return good(params, call)
    }),
  },
  {
    name: 'peersOnce',
    does: 'refuses a change that it has already',
    fails: ['peers.repeated'],
    change: method('network/peers', (good) => async (params, call) => {
      const held = call.session.driver.records.peers.get(params.networkId)
      if (params.base === null || held?.version !== params.version) return good(params, call)
      const details = { held: held.version }
      throw new ConetError('peersGap', `"${params.base}" is not held`, { details })
    }),
  },
  {
    name: 'peersOneSnapshot',
    does: 'takes a snapshot only where it holds nothing',
    fails: ['peers.snapshot'],
    change: method('network/peers', (good) => async (params, call) => {
      const held = call.session.driver.records.peers.get(params.networkId)
      if (params.base !== null || held === undefined) return good(params, call)
      throw new ConetError('conflict', `there is a snapshot already: "${held.version}"`)
    }),
  },
  {
    name: 'peersRemembered',
    does: 'holds its version over a sync',
    fails: ['peers.forgotten'],
    change: method('driver/sync', (good) => async (page, call) => {
      const { peers } = call.session.driver.records
      const before = new Map(peers)
      const result = await good(page, call)
      for (const [networkId, directory] of before) peers.set(networkId, directory)
      return result
    }),
  },
  {
    name: 'peersTwins',
    does: 'gives a MAC or an address to two peers',
    fails: ['peers.conflict'],
    change: method('network/peers', (good) => (params, call) => good({ ...params, set: [] }, call)),
  },
  {
    name: 'peersOneAtATime',
    does: 'refuses a batch while another one waits',
    fails: ['peers.in-order'],
    change: method('network/peers', (good) => async (params, call) => {
      const asked = [...call.session.calls.values()].filter(
        ({ request }) => request.method === 'network/peers',
      )
      if (asked.length > 1) throw new ConetError('overloaded', 'another batch is under way')
      return good(params, call)
    }),
  },
  {
    name: 'peersAnyNetwork',
    does: 'takes peers of networks that it does not have',
    fails: ['peers.no-network'],
    change: method('network/peers', (good) => async (params, call) => {
      if (call.session.driver.records.networks.has(params.networkId)) return good(params, call)
      return { version: params.version }
    }),
  },
]
