import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Afterwards } from '../../../sdk/dist/bridge-network/afterwards.js'

function scene() {
  const done: string[] = []
  const afterwards = new Afterwards({ failed: (what, error) => done.push(`${what}: ${error}`) })
  return { done, afterwards }
}

describe('what an answer need not wait for', () => {
  it('is done in the next turn of the loop, in order, and once', async () => {
    const { done, afterwards } = scene()
    for (const work of ['announce', 'close']) afterwards.add(work, () => done.push(work))
    await Promise.resolve()
    expect(done).toEqual([])
    await nextTurn()
    await nextTurn()
    expect(done).toEqual(['announce', 'close'])
  })

  it('is done at once at the end', () => {
    const { done, afterwards } = scene()
    afterwards.add('announce', () => done.push('announce'))
    afterwards.finish()
    afterwards.finish()
    expect(done).toEqual(['announce'])
  })

  it('tells what failed, and goes on', async () => {
    const { done, afterwards } = scene()
    afterwards.add('announce', () => {
      throw new Error('no')
    })
    afterwards.add('close', () => done.push('close'))
    await nextTurn()
    expect(done).toEqual(['announce: Error: no', 'close'])
  })
})
