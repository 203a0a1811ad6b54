import { readdirSync } from 'node:fs'
import {
  addAddress,
  addRoute,
  createBridge,
  createVeth,
  deleteLink,
  type RouteEvent,
  RouteWatch,
  Rtnl,
  setLink,
} from '@conet/sdk/linux'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { inventory } from '../../support/iproute.ts'
import { temporaryNamespace } from '../../support/temporary-namespace.ts'

let rtnl: Rtnl
let before: Record<string, unknown>

beforeEach(() => {
  before = inventory()
  rtnl = Rtnl.open()
})

afterEach(async () => {
  await rtnl.batchSlow(['br0', 'a0'].map(deleteLink), { tolerate: ['ENODEV'] })
  rtnl.close()
  expect(inventory()).toEqual(before)
})

async function find(watch: RouteWatch, wanted: (event: RouteEvent) => boolean): Promise<RouteEvent> {
  for (;;) {
    const { value } = await watch.next()
    if (value === undefined) throw new Error('the watch ended')
    if (wanted(value)) return value
  }
}

it('a link is seen to come and to go', async () => {
  using watch = new RouteWatch({ objects: ['link'] })
  const { index } = rtnl.create(createBridge({ name: 'br0' }))
  const come = await find(watch, (event) => event.object === 'link' && event.change === 'present')
  expect(come).toMatchObject({ link: { name: 'br0', index, kind: 'bridge' } })
  await rtnl.runSlow(deleteLink('br0'))
  const gone = await find(watch, (event) => event.object === 'link' && event.change === 'gone')
  expect(gone).toMatchObject({ link: { name: 'br0', index } })
})

it('addresses and routes are seen, and links are not when not asked for', async () => {
  using watch = new RouteWatch({ objects: ['address', 'route'] })
  const { index: link } = rtnl.create(createBridge({ name: 'br0', up: true }))
  rtnl.batch([
    addAddress({ link, address: '10.7.0.1/16' }),
    addRoute({ destination: '10.50.0.0/16', gateway: '10.7.0.2' }),
  ])
  const seen: RouteEvent[] = []
  await find(watch, (event) => {
    seen.push(event)
    return event.object === 'route' && event.route.destination === '10.50.0.0/16'
  })
  expect(seen).toContainEqual({
    object: 'address',
    change: 'present',
    address: expect.objectContaining({ address: '10.7.0.1/16', link }),
  })
  expect(seen.filter(({ object }) => object === 'link')).toEqual([])
})

it('the watch of a sandbox sees what happens there only', async () => {
  using sandbox = temporaryNamespace()
  using watch = new RouteWatch({ objects: ['link'], namespace: sandbox.namespace })
  rtnl.run(createBridge({ name: 'br0' }))
  rtnl.run(createVeth({ name: 'a0', peer: { name: 'eth0', namespace: sandbox.namespace } }))
  const first = await find(watch, () => true)
  expect(first).toMatchObject({ object: 'link', link: { name: 'eth0' } })
})

it('lost events are reported as overflow, and later ones are seen again', async () => {
  using watch = new RouteWatch({ objects: ['link'], receiveBufferBytes: 4096 })
  const { index } = rtnl.create(createBridge({ name: 'br0' }))
  // All of this happens in one turn of the event loop, so that nothing is read meanwhile.
  rtnl.batch(Array.from({ length: 200 }, (_, number) => setLink(index, { mtu: 1000 + number })))
  await find(watch, ({ object }) => object === 'overflow')
  rtnl.run(setLink(index, { mtu: 999 }))
  await find(watch, (event) => event.object === 'link' && event.link.mtu === 999)
})

it('more events than the reader takes become one overflow', async () => {
  using watch = new RouteWatch({ objects: ['link'] })
  const { index } = rtnl.create(createBridge({ name: 'br0' }))
  for (let round = 0; round < 150; round++) {
    rtnl.batch(Array.from({ length: 40 }, (_, number) => setLink(index, { mtu: 1000 + number })))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await find(watch, ({ object }) => object === 'overflow')
})

it('ends with the signal, with close and with break, and leaves no socket', async () => {
  const openFiles = readdirSync('/proc/self/fd').length
  const controller = new AbortController()
  const watch = new RouteWatch({ objects: ['link'], signal: controller.signal })
  const next = watch.next()
  controller.abort()
  expect(await next).toEqual({ done: true, value: undefined })

  const closed = new RouteWatch({ objects: ['link'] })
  closed.close()
  closed.close()
  expect(await closed.next()).toEqual({ done: true, value: undefined })

  const broken = new RouteWatch({ objects: ['link'] })
  rtnl.run(createBridge({ name: 'br0' }))
  for await (const _ of broken) break
  await new Promise((resolve) => setImmediate(resolve))
  expect(readdirSync('/proc/self/fd').length).toBe(openFiles)
  expect(() => new RouteWatch({ objects: ['link'], signal: AbortSignal.abort(new Error('no')) })).toThrow(
    'no',
  )
})
