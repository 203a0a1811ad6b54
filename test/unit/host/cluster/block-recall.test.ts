import { BlockRecall } from '@conet/host/cluster/block-recall'
import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'

/** A subnet with one block, which another node has or gives back, and a record of what was done. */
function scene({ isFree = false, unaskMs = 0 } = {}) {
  const done: string[] = []
  const state = { isFree }
  const recall = new BlockRecall({
    waitMs: 50,
    signal: new AbortController().signal,
    registered: async () => ({ present: '/node' }),
    async claim() {
      done.push('claim')
      if (!state.isFree) throw new ConetError('addressesExhausted', 'none is free')
      state.isFree = false
    },
    blocks: {
      ask: async () => done.push('ask'),
      hasFree: () => state.isFree,
      async unask() {
        await new Promise((resolve) => setTimeout(resolve, unaskMs))
        done.push('unask')
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
    const { recall, done, giveBack } = scene({ unaskMs: 80 })
    const both = Promise.all([recall.run('10.1.0.0/24'), recall.run('10.1.0.0/24')])
    setImmediate(giveBack)
    await both
    expect(done).toEqual(['ask', 'claim', 'unask'])
  })

  it('is refused as a claim is, when nobody gives one back in time; the wish is taken back', async () => {
    const { recall, done } = scene()
    await expect(recall.run('10.1.0.0/24')).rejects.toMatchObject({ kind: 'addressesExhausted' })
    expect(done).toEqual(['ask', 'unask', 'claim'])
  })
})
