// A sandbox with many interfaces. A driver that comes back plugs each of them once more, all before it answers anything else.
import { Rtnl } from '@conet/sdk/linux'
import { afterEach, expect, it, vi } from 'vitest'
import { BridgeFixture, network } from './bridge-fixture.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** How many links, addresses and routes the kernel has been asked for from now on. */
function readings(): () => number {
  const lists = (['links', 'addresses', 'routes'] as const).map((list) => vi.spyOn(Rtnl.prototype, list))
  return () =>
    lists.flatMap(({ mock }) => mock.results).reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
}

it('plugs once more without a look at what else is in the sandbox', async () => {
  await using fixture = await BridgeFixture.start()
  const net = await fixture.create(network('one'))
  const paramsOf = (n: number) =>
    fixture.params(net, 'a', {
      endpoint: `endpoint-${n}`,
      name: `eth${n}`,
      addresses: [`10.1.0.${n + 2}/16`],
      defaultRoute: n === 0,
      routes: [{ destination: `10.77.${n}.0/24`, gateway: '10.1.0.1' }],
    })
  fixture.sandbox('a')
  await fixture.plug(paramsOf(0))
  await fixture.restartDriver()
  const beside = readings()
  await fixture.plug(paramsOf(0))
  const alone = beside()
  for (let n = 1; n <= 12; n++) await fixture.plug(paramsOf(n))
  await fixture.restartDriver()
  vi.restoreAllMocks()
  const readAmongMany = readings()
  await fixture.plug(paramsOf(0))
  expect(readAmongMany()).toBe(alone)
  expect(fixture.repaired).toEqual([])
})
