// A network of the cluster as this host has it on record, and as all hosts know it.
import type { SharedNetwork } from '../cluster/records.ts'
import type { NetworkRecord } from '../domain/network.ts'

export function recordOf(shared: SharedNetwork): NetworkRecord {
  const { createdBy: _elsewhere, ...network } = shared
  return { ...network, state: 'active', scope: 'global' }
}

export function sharedOf(record: NetworkRecord, createdBy: string): SharedNetwork {
  const { state: _here, scope: _always, buriedAt: _ended, blockBits = 0, ...network } = record
  return { ...network, blockBits, createdBy }
}
