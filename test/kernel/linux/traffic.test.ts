import { execFileSync } from 'node:child_process'
import {
  addAddress,
  createIfb,
  createVeth,
  deleteLink,
  limitEgress,
  Namespace,
  type NamespaceHandle,
  Rtnl,
  redirectIngress,
  removeEgressLimit,
  removeIngressRedirect,
  setLink,
} from '@conet/sdk/linux'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { inventory, show, showOne } from '../../support/iproute.ts'
import { type TemporaryNamespace, temporaryNamespace } from '../../support/temporary-namespace.ts'

const PACKETS = 200
const PACKET_BYTES = 1000
/** So slow that no packet beyond the burst and the queue can pass while the test runs. */
const SLOW = { rateBytesPerSecond: 100, burstBytes: 5_000, queueBytes: 10_000 }

let rtnl: Rtnl
let sandbox: TemporaryNamespace
let host: number
let before: Record<string, unknown>

beforeEach(() => {
  before = inventory()
  rtnl = Rtnl.open()
  sandbox = temporaryNamespace()
  host = rtnl.create(
    createVeth({ name: 'host0', up: true, peer: { name: 'eth0', namespace: sandbox.namespace } }),
  ).index
  rtnl.run(addAddress({ link: host, address: '10.7.0.1/24' }))
  using inside = Rtnl.openIn(sandbox.namespace)
  const peer = inside.existingLink('eth0').index
  inside.batch([setLink(peer, { up: true }), addAddress({ link: peer, address: '10.7.0.2/24' })])
})

afterEach(async () => {
  await rtnl.batchSlow([deleteLink('host0'), deleteLink('ifb7')], { tolerate: ['ENODEV'] })
  sandbox[Symbol.dispose]()
  rtnl.close()
  expect(inventory()).toEqual(before)
})

const SENDER = `
  const socket = require('node:dgram').createSocket('udp4')
  const send = (left) => left === 0 ? socket.close() : socket.send(Buffer.alloc(${PACKET_BYTES}), 9999, process.argv[1], () => send(left - 1))
  send(${PACKETS})
`

/** In a process of its own: a socket of this one would be opened by the event loop, outside the sandbox. */
function send(address: string, namespace: NamespaceHandle): void {
  namespace.run(() => execFileSync(process.execPath, ['-e', SENDER, address]))
}

const queueOf = (link: string) => showOne(`tc -s qdisc show dev ${link} root`)

it('what a link sends is limited: beyond burst and queue it is dropped', async () => {
  rtnl.run(limitEgress({ link: host, ...SLOW }))
  expect(queueOf('host0')).toMatchObject({ kind: 'tbf', options: { rate: 100, burst: 5000 } })
  using home = Namespace.current()
  send('10.7.0.2', home)
  const shown = await eventually(() => {
    const queue = queueOf('host0')
    expect(Number(queue.drops)).toBeGreaterThan(PACKETS - 30)
    return queue
  })
  expect(Number(shown.bytes)).toBeLessThan(10_000)
})

it('a limit is changed by repeating the request, and removed', () => {
  rtnl.run(limitEgress({ link: host, ...SLOW }))
  rtnl.run(limitEgress({ link: host, rateBytesPerSecond: 6_000_000_000, burstBytes: 1_000_000 }))
  expect(queueOf('host0')).toMatchObject({ kind: 'tbf', options: { rate: 6_000_000_000 } })
  rtnl.run(removeEgressLimit(host))
  expect(show('tc qdisc show dev host0 root')).not.toEqual([expect.objectContaining({ kind: 'tbf' })])
  expect(() => rtnl.run(removeEgressLimit(host))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
})

it('what a sandbox sends is limited on its way in, through an ifb', async () => {
  const target = rtnl.create(createIfb({ name: 'ifb7', up: true })).index
  rtnl.batch([...redirectIngress({ link: host, target }), limitEgress({ link: target, ...SLOW })])
  expect(show('tc qdisc show dev host0')).toEqual(
    expect.arrayContaining([expect.objectContaining({ kind: 'ingress' })]),
  )
  expect(JSON.stringify(show('tc filter show dev host0 parent ffff:'))).toMatch(/"to_dev":"ifb7"/)

  send('10.7.0.1', sandbox.namespace)
  await eventually(() => expect(Number(queueOf('ifb7').drops)).toBeGreaterThan(PACKETS - 30))

  rtnl.run(removeIngressRedirect(host))
  expect(show('tc filter show dev host0 parent ffff:')).toEqual([])
  expect(() => rtnl.run(removeIngressRedirect(host))).toThrow(
    expect.objectContaining({ name: 'KernelError' }),
  )
})

it('a limit that makes no sense is refused before the kernel sees it', () => {
  expect(() => limitEgress({ link: host, rateBytesPerSecond: 0, burstBytes: 1 })).toThrow(TypeError)
  expect(() => limitEgress({ link: host, rateBytesPerSecond: 1.5, burstBytes: 1 })).toThrow(TypeError)
})
