import { reader, SharedNetwork } from '@conet/host/cluster/records'
import { NetworkRecord } from '@conet/host/domain/network'
import { recordOf, sharedOf } from '@conet/host/lifecycle/shared-network-record'
import { expect, it } from 'vitest'

const record: NetworkRecord = {
  id: 'a'.repeat(64),
  name: 'blue',
  type: 'weave',
  state: 'active',
  labels: { for: 'all' },
  internal: false,
  subnets: [{ family: 4, subnet: '10.0.0.0/16', gateway: '10.0.0.1', exclude: [] }],
  ipam: 'driver',
  sandbox: 'private',
  scope: 'global',
  segmentId: 7,
  blockBits: 4,
  dns: { servers: ['10.0.0.53'], search: [], options: [] },
  config: { mtu: 1400 },
  defaultPolicy: {},
  policyRevision: 2,
  createdAt: '2026-01-01T00:00:00Z',
  requestKey: 'k',
  request: '{}',
}
const read = reader(SharedNetwork)
const stored = { ...sharedOf(record, 'ann') }

it('a network is on every host what it is on the one that made it', () => {
  const shared = read(JSON.stringify(stored))
  expect(shared && recordOf(shared)).toEqual(record)
})

it('each member of a network that all hosts have to know is checked when it is read from the store', () => {
  const ofThisHost = ['state', 'scope', 'owner', 'buriedAt']
  const known = Object.keys(SharedNetwork.properties)
  expect(Object.keys(NetworkRecord.properties).filter((member) => !known.includes(member))).toEqual(
    ofThisHost,
  )
  for (const member of ['ipam', 'sandbox'])
    expect(read(JSON.stringify({ ...stored, [member]: 'other' })), member).toBeUndefined()
})
