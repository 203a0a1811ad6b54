import { failpointNames, type Network } from '@conet/sdk'
import '@conet/driver-vxlan'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { bridgeNameOf, network, tunnelNameOf, VxlanCluster } from './vxlan-cluster.ts'
import type { VxlanHost } from './vxlan-host.ts'

const names = failpointNames().filter((name) => name.startsWith('vxlan:'))
const net = network('blue')

let cluster: VxlanCluster
let host: VxlanHost

beforeAll(async () => {
  cluster = await VxlanCluster.start({ hosts: 1 })
  host = cluster.host(1)
})

afterAll(() => cluster?.[Symbol.asyncDispose]())

afterEach(async () => {
  for (const params of host.endpoints.values()) await host.remove(params)
  await host.delete(net)
  expect(host.exec('ip -br link')).not.toMatch(/cn[xtw]/)
})

/** A life of the driver that ends at the failpoint. */
async function liveAndDie(failpoint: string, wanted: Network): Promise<void> {
  await host.stop()
  await host.start({ failpoint })
  const batch = {
    networkId: wanted.id,
    base: null,
    version: 'one',
    more: false,
    remove: [],
    set: [far(wanted)],
  }
  const life = async () => {
    await host.client.call('network/create', { network: wanted })
    await host.client.call('network/peers', batch)
    await host.client.call('network/delete', { networkId: wanted.id })
  }
  await expect(life()).rejects.toMatchObject({ kind: 'driverUnavailable' })
  await host.stop()
}

function far({ id }: Network) {
  const addresses = ['10.1.0.12']
  return { endpointId: id, macAddress: '02:42:00:00:00:0c', addresses, tunnelAddress: '192.0.2.2' }
}

describe('a vxlan driver that starts', () => {
  it('takes away a tunnel whose bridge somebody has deleted', async () => {
    await host.create(net)
    await host.stop('SIGKILL')
    host.exec(`ip link delete ${bridgeNameOf(net)}`)
    expect(host.exec('ip -br link')).toContain(tunnelNameOf(net))
    await host.start()
    await eventually(() => expect(host.exec('ip -br link')).not.toContain(tunnelNameOf(net)))
  })
})

describe('a vxlan driver that is killed in the middle', () => {
  it('has failpoints between all messages', () => {
    expect(names.length).toBeGreaterThanOrEqual(5)
  })

  it.each(names)('at %s: the next one does the same calls, and nothing is left', async (failpoint) => {
    await liveAndDie(failpoint, net)
    await host.start()
    await host.create(net)
    expect(await host.sync()).toMatchObject({
      repaired: [],
      failed: [],
      unknown: { networkIds: [], endpoints: [] },
    })
    const batch = { networkId: net.id, base: null, version: 'one', more: false, remove: [], set: [far(net)] }
    await host.client.call('network/peers', batch)
    expect(host.exec(`bridge fdb show dev ${tunnelNameOf(net)} | grep -c 02:42:00:00:00:0c`).trim()).toBe('2')
    const gone = await host.client.call('driver/sync', {
      syncId: 'x',
      more: false,
      networks: [],
      endpoints: [],
    })
    expect(gone.unknown.networkIds).toEqual([net.id])
  })
})
