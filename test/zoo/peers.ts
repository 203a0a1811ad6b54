// `network/peers`: the directory of a network, of which the zoo remembers everything and makes nothing.
import { ConetError, type Peer, type PeersParams, type PeersResult } from '@conet/sdk'
import type { ZooDriver } from './zoo-driver.ts'

export function setPeers({ records }: ZooDriver, params: PeersParams): PeersResult {
  const { networkId, base, version, remove, set } = params
  if (!records.networks.has(networkId)) {
    throw new ConetError('failedPrecondition', `peers of network ${networkId}: it was not created`)
  }
  const held = records.peers.get(networkId)
  if (base !== null && held?.version === version) return { version }
  if (base !== null && held?.version !== base) {
    const details = { held: held?.version ?? null }
    throw new ConetError('peersGap', `peers of network ${networkId}: "${base}" is not held`, { details })
  }
  const members = new Map(base === null ? [] : held?.members)
  for (const endpointId of remove) members.delete(endpointId)
  for (const peer of set) members.set(peer.endpointId, peer)
  assertDistinct([...members.values()])
  records.peers.set(networkId, { version, members })
  return { version }
}

function assertDistinct(peers: readonly Peer[]): void {
  const claims = peers.flatMap(({ macAddress, addresses }) => [macAddress, ...addresses])
  const twice = claims.find((claim, at) => claims.indexOf(claim) !== at)
  if (twice !== undefined) throw new ConetError('conflict', `two peers have ${twice}`)
}
