import { BlockRecall } from '@conet/host/cluster/block-recall'
import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'

type Scene = { waitMs?: number; asked?: () => void; unasked?: () => Promise<void> }

/** A subnet with one block, which another node has or gives back, and a record of what was done. */
function scene({ waitMs = 20_000, asked = () => {}, unasked = async () => {} }: Scene = {}) {
  const done: string[] = []
  const state = { isFree: false }
  const time = new AbortController()
  const recall = new BlockRecall({
    waitMs,
    signal: time.signal,
    registered: async () => ({ present: '/node' }),
    async claim() {
      done.push('claim')
      if (!state.isFree) throw new ConetError('addressesExhausted', 'none is free')
      state.isFree = false
    },
    blocks: { hasFree: () => state.isFree },
    wishes: {
      async ask() {
        done.push('ask')
        asked()
      },
      async unask() {
        // As if it took longer than is waited for a block.
        time.abort()
        done.push('unask')
        await unasked()
      },
    },
  })
  const giveBack = () => {
    state.isFree = true
    recall.blocksChanged()
  }
  return { recall, done, giveBack }
}

describe('a block that is asked for', () => {
  it('is taken once, for all who wait, as soon as another node gives it back; however long the wish takes to go', async () => {
    const { recall, done, giveBack } = scene()
    const both = Promise.all([recall.run('10.1.0.0/24'), recall.run('10.1.0.0/24')])
    setImmediate(giveBack)
    await both
    expect(done).toEqual(['ask', 'claim', 'unask'])
  })

  it('is there for who waits before the wish is gone from a store that does not answer', {
    timeout: 10_000,
  }, async () => {
    const { recall, giveBack } = scene({ unasked: () => new Promise(() => undefined) })
    const claimed = recall.run('10.1.0.0/24')
    setImmediate(giveBack)
    await claimed
  })

  it('is asked for again, since who was just emptying one kept it', async () => {
    let wishes = 0
    const { recall, done, giveBack } = scene({
      asked: () => {
        wishes += 1
        if (wishes === 2) setImmediate(giveBack)
      },
    })
    await recall.run('10.1.0.0/24')
    expect(done).toEqual(['ask', 'ask', 'claim', 'unask'])
  })

  it('is refused as a claim is, when nobody gives one back in time; the wish is taken back', async () => {
    const { recall, done } = scene({ waitMs: 1 })
    await expect(recall.run('10.1.0.0/24')).rejects.toMatchObject({ kind: 'addressesExhausted' })
    expect(done).toEqual(['ask', 'unask', 'claim'])
  })
})
