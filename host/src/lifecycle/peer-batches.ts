// A difference of a network's directory in batches that a driver takes. Each is a version of its own, on which the next
// one builds; the last one is the version of the whole.
import type { Peer, PeersParams } from '@conet/sdk'
import type { PeerEntry, PeersDifference } from '../cluster/network-peers.ts'

/** Far below what the protocol allows: neither side should stand still over one batch. */
const mostBatchBytes = 256 * 1024
/** For what is around the entries of a batch. */
const envelopeBytes = 1024

export type PeersBatch = Omit<PeersParams, 'networkId'>

export function* peerBatches(
  { base, version, remove, set }: PeersDifference,
  maxMessageBytes: number,
): Generator<PeersBatch> {
  const room = Math.min(mostBatchBytes, maxMessageBytes) - envelopeBytes
  const isSnapshot = base === null
  let batch: PeersBatch = { base, version: `${version}.1`, more: isSnapshot, remove: [], set: [] }
  let size = 0
  let count = 1
  for (const item of [...remove, ...set.map(peerOf)]) {
    const bytes = Buffer.byteLength(JSON.stringify(item)) + 1
    if (size > 0 && size + bytes > room) {
      yield batch
      count += 1
      batch = { base: batch.version, version: `${version}.${count}`, more: isSnapshot, remove: [], set: [] }
      size = 0
    }
    if (typeof item === 'string') batch.remove.push(item)
    else batch.set.push(item)
    size += bytes
  }
  yield { ...batch, version, more: false }
}

/** Which container it is does not concern a driver elsewhere. */
function peerOf({ endpointId, macAddress, addresses, tunnelAddress }: PeerEntry): Peer {
  return { endpointId, macAddress, addresses, tunnelAddress }
}
