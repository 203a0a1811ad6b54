import { Rtnl } from '@conet/sdk/linux'
import { describe, expect, it } from 'vitest'
import { LinkDeletions } from '../../../sdk/dist/bridge-network/link-deletions.js'
import { inventory } from '../../support/iproute.ts'
import { sh } from './bridge-fixture.ts'

function makeLinks(rtnl: Rtnl, count: number): number[] {
  const names = Array.from({ length: count }, (_, at) => `veth${at}`)
  sh(names.map((name) => `ip link add ${name} type veth peer name ${name}p`).join('\n'))
  return names.map((name) => rtnl.existingLink(name).index)
}

describe('deletions of links', () => {
  it('go one, then all that came meanwhile at once', async () => {
    using rtnl = Rtnl.open()
    const deletions = new LinkDeletions(rtnl)
    const indexes = makeLinks(rtnl, 20)
    const finished: number[] = []
    const last = indexes.at(-1) ?? 0
    await Promise.all(
      indexes.map(async (index) => {
        await deletions.delete(index)
        finished.push(index)
        // When the second is gone, the last is gone too.
        if (finished.length === 2) expect(rtnl.link(last)).toBeUndefined()
      }),
    )
    expect(rtnl.links().map(({ name }) => name)).toEqual(['lo'])
    await deletions.close()
  })

  it('tell each caller what became of its own link', async () => {
    using rtnl = Rtnl.open()
    const before = inventory()
    const deletions = new LinkDeletions(rtnl)
    const [first = 0, ...others] = makeLinks(rtnl, 5)
    const gone = 999_999
    const loopback = 1
    const outcomes = await Promise.allSettled(
      [first, ...others, gone, loopback].map((index) => deletions.delete(index)),
    )
    expect(outcomes.map(({ status }) => status)).toEqual([...Array(6).fill('fulfilled'), 'rejected'])
    expect(outcomes.at(-1)).toMatchObject({ reason: { name: 'KernelError', operation: 'delete link 1' } })
    sh('ip link set lo group default')
    expect(inventory()).toEqual(before)
    await deletions.close()
  })

  it('wait for what is under way when they are closed, and take no more', async () => {
    using rtnl = Rtnl.open()
    const deletions = new LinkDeletions(rtnl)
    const waiting = makeLinks(rtnl, 3).map((index) => deletions.delete(index))
    await deletions.close()
    expect(rtnl.links().map(({ name }) => name)).toEqual(['lo'])
    await Promise.all(waiting)
    expect(() => deletions.delete(1)).toThrow('closed')
  })
})
