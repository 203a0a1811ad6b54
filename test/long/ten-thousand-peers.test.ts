// 10,000 endpoints of a host that is not there, from the store into three kernels and out again, beside a ping that goes on.
import { createHash } from 'node:crypto'
import { EtcdStore } from '@conet/host/cluster/etcd-store'
import { keys } from '@conet/host/cluster/keys'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { expectTablesLikeDirectory } from '../support/partition-story.ts'
import { RunningPing } from '../support/running-ping.ts'
import { UnderlayHosts } from '../support/underlay-hosts.ts'

const many = 10_000
const atOnce = 100
const patience = { timeoutMs: 120_000, everyMs: 500 }

let machines: UnderlayHosts
let store: EtcdStore

beforeAll(async () => {
  machines = await UnderlayHosts.start(3)
  store = new EtcdStore({ endpoints: [machines.etcd.endpoint], timeoutMs: 30_000 })
}, 90_000)
afterAll(async () => {
  store?.close()
  await machines?.[Symbol.asyncDispose]()
}, 60_000)

function ghost(networkId: string, number: number) {
  const endpointId = createHash('sha256').update(`${number}`).digest('hex')
  const hex = number
    .toString(16)
    .padStart(4, '0')
    .replace(/(..)(?=.)/, '$1:')
  const value = {
    macAddress: `02:99:00:00:${hex}`,
    addresses: [`10.7.${128 + (number >> 8)}.${number & 255}`],
    tunnelAddress: '192.0.2.99',
    container: `ghost${number}`,
  }
  return { put: keys.member(networkId, 'ghost', endpointId), value: JSON.stringify(value) }
}

it('10,000 endpoints come into the kernels of three hosts and go again, and a running ping loses nothing', async () => {
  const [one, two, three] = machines.hosts
  if (one === undefined || two === undefined || three === undefined)
    throw new Error('the hosts are not there')
  const subnets = [{ subnet: '10.7.0.0/16' }]
  const { id } = await one.client.createNetwork({ name: 'blue', type: 'vxlan', subnets })
  const [, second] = [
    await one.plug('c1', 'blue'),
    await two.plug('c2', 'blue'),
    await three.plug('c3', 'blue'),
  ]
  await eventually(() => expectTablesLikeDirectory(machines, id), patience)
  const { sandbox } = await one.client.getContainer('c1')
  const address = second.interfaces[0]?.addresses[0]?.split('/')[0] ?? ''
  const ping = new RunningPing({ namespacePath: sandbox?.path ?? '', address })
  await ping.goesOn()
  const ghosts = Array.from({ length: many }, (_, number) => ghost(id, number))
  for (let from = 0; from < many; from += atOnce) await store.commit([], ghosts.slice(from, from + atOnce))
  const entries = (host: typeof one) =>
    Number(machines.on(host, `bridge fdb show dev cnt${id.slice(0, 12)} | grep -c 'dst 192.0.2.99' || true`))
  for (const host of machines.hosts) await eventually(() => expect(entries(host)).toBe(many), patience)
  for (const host of machines.hosts) {
    const bridge = `cnx${id.slice(0, 12)}`
    const known = machines.on(host, `ip neigh show dev ${bridge} nud permanent | grep -c '02:99:' || true`)
    expect(Number(known)).toBe(many)
  }
  await store.commit([], [{ clear: keys.membersOf(id, 'ghost') }])
  for (const host of machines.hosts) await eventually(() => expect(entries(host)).toBe(0), patience)
  await eventually(() => expectTablesLikeDirectory(machines, id), patience)
  await ping.goesOn()
  const { sent, received } = await ping.stop()
  expect(sent - received).toBe(0)
  await machines.removeContainers()
  await eventually(() => one.client.deleteNetwork('blue'), patience)
}, 600_000)
