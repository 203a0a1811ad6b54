import type { PeersDifference } from '@conet/host/cluster/network-peers'
import type { ClusterPeers } from '@conet/host/lifecycle/cluster-access'
import type { DriverSession } from '@conet/host/lifecycle/driver-access'
import { PeerFeeder } from '@conet/host/lifecycle/peer-feeder'
import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'

const networkId = 'a'.repeat(64)

/** A directory whose whole is to be told, for ever. */
class UntoldDirectory implements ClusterPeers {
  timesForgotten = 0
  next(): PeersDifference {
    return { base: null, version: '7', remove: [], set: [] }
  }
  told(): void {}
  forgotten(): void {
    this.timesForgotten++
  }
  holderOf(): undefined {}
}

/** Notes what it is asked, and is away after that. */
function sessionNoting(calls: string[]): DriverSession {
  return {
    driver: {
      name: 'vxlan',
      limits: { maxMessageBytes: 4096 },
      capabilities: { methods: ['network/peers'], scope: 'global' },
    },
    documents: { check: async () => undefined },
    call: (method) => {
      calls.push(method)
      return Promise.reject(new ConetError('driverUnavailable', 'it is away'))
    },
  }
}

function feederFor(
  peers: ClusterPeers,
  require: () => Promise<DriverSession>,
  untold: (networkId: string, reason: string | undefined) => void = () => undefined,
): PeerFeeder {
  return new PeerFeeder({
    inventory: { networks: new Map([[networkId, { id: networkId, type: 'vxlan' }]]) },
    cluster: { networks: { peersOf: () => peers } },
    drivers: { require },
    log: { error: () => undefined, debug: () => undefined },
    made: { isMade: () => true },
    untold,
  })
}

describe('telling drivers of endpoints on other hosts', () => {
  it('comes when a driver can be called at last, after a sync that took longer than a call waits', async () => {
    const peers = new UntoldDirectory()
    const calls: string[] = []
    let isSyncing = true
    using feeder = feederFor(peers, async () => {
      if (isSyncing) throw new ConetError('driverUnavailable', 'it is being synced')
      return sessionNoting(calls)
    })
    feeder.begin(networkId)
    await eventually(() => expect(peers.timesForgotten).toBe(2))
    isSyncing = false
    feeder.feedAll('another driver')
    feeder.feedAll('vxlan')
    await eventually(() => expect(calls).toEqual(['network/peers']))
  })

  it('says why a driver does not take them, until it does', async () => {
    let isTold = false
    const peers = new UntoldDirectory()
    const directory: ClusterPeers = {
      next: () => (isTold ? undefined : peers.next()),
      told: () => {
        isTold = true
      },
      forgotten: () => undefined,
      holderOf: () => undefined,
    }
    const reasons: (string | undefined)[] = []
    const answers = [new Error('the tunnel is not there'), { version: '7' }]
    const session: DriverSession = {
      ...sessionNoting([]),
      call: async () => {
        const answer = answers.shift()
        if (answer instanceof Error) throw answer
        return JSON.parse(JSON.stringify(answer))
      },
    }
    using feeder = feederFor(
      directory,
      async () => session,
      (_networkId, reason) => reasons.push(reason),
    )
    feeder.feed(networkId)
    await eventually(() => expect(reasons).toEqual(['the tunnel is not there', undefined]))
  })

  it('goes on at once after a gap, and with pauses, and a word, where a driver finds one in the whole as well', async () => {
    const reasons: (string | undefined)[] = []
    let calls = 0
    const session: DriverSession = {
      ...sessionNoting([]),
      call: async () => {
        calls += 1
        throw new ConetError('peersGap', 'it is not held')
      },
    }
    using feeder = feederFor(
      new UntoldDirectory(),
      async () => session,
      (_networkId, reason) => reasons.push(reason),
    )
    feeder.feed(networkId)
    await eventually(() => expect(reasons).toEqual(['it is not held']))
    expect(calls).toBe(2)
  })
})
