import { describe, expect, it } from 'vitest'
import { LeftFlows } from '../../../sdk/dist/bridge-network/left-flows.js'

/** Looks that end when the test says so. */
function scene() {
  const looks: { filter: object; end: (error?: Error) => void }[] = []
  const flows = new LeftFlows(() => ({
    cut: (filter) =>
      new Promise((resolve, reject) => {
        looks.push({ filter, end: (error) => (error ? reject(error) : resolve()) })
      }),
  }))
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { looks, flows, turn }
}

const address = (last: number) => Buffer.from([10, 0, 0, last])

describe('flows of endpoints that are gone', () => {
  it('are looked for by address where they are few, in both directions', async () => {
    const { looks, flows, turn } = scene()
    const done = flows.cut('one', [address(1)])
    await turn()
    looks[0]?.end()
    await turn()
    looks[1]?.end()
    await done
    expect(looks.map(({ filter }) => filter)).toEqual([
      { family: 4, source: address(1) },
      { family: 4, answerer: address(1) },
    ])
  })

  it('are looked for once for all who come while another look is under way, and not before it has ended', async () => {
    const { looks, flows, turn } = scene()
    const first = flows.cut('some', [1, 2, 3].map(address))
    await turn()
    const others = [4, 5, 6].map((last) => flows.cut(`other ${last}`, [address(last)]))
    await turn()
    expect(looks).toHaveLength(1)
    looks[0]?.end()
    await first
    await turn()
    expect(looks.map(({ filter }) => filter)).toEqual([{ family: 4 }, { family: 4 }])
    looks[1]?.end()
    await Promise.all(others)
  })

  it('are looked for again after a look that failed, which tells those whom it was for', async () => {
    const { looks, flows, turn } = scene()
    const first = flows.cut('some', [1, 2, 3].map(address))
    await turn()
    looks[0]?.end(new Error('no'))
    await expect(first).rejects.toThrow('no')
    expect(flows.mayBeOf('some')).toBe(true)
    // By then nobody knows its addresses any more.
    const second = flows.cut('some', [])
    await turn()
    looks[1]?.end()
    await second
    expect(flows.mayBeOf('some')).toBe(false)
    await flows.cut('nobody', [])
    expect(looks).toHaveLength(2)
  })
})
