import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { AfterAnswer } from '../../../sdk/dist/bridge-network/after-answer.js'

function scene() {
  const done: string[] = []
  const afterAnswer = new AfterAnswer({ failed: (what, error) => done.push(`${what}: ${error}`) })
  return { done, afterAnswer }
}

describe('what an answer need not wait for', () => {
  it('is done in the next turn of the loop, in order, and once', async () => {
    const { done, afterAnswer } = scene()
    for (const work of ['announce', 'close']) afterAnswer.add(work, () => done.push(work))
    await Promise.resolve()
    expect(done).toEqual([])
    await nextTurn()
    await nextTurn()
    expect(done).toEqual(['announce', 'close'])
  })

  it('is done at once at the end', () => {
    const { done, afterAnswer } = scene()
    afterAnswer.add('announce', () => done.push('announce'))
    afterAnswer.finish()
    afterAnswer.finish()
    expect(done).toEqual(['announce'])
  })

  it('tells what failed, and goes on', async () => {
    const { done, afterAnswer } = scene()
    afterAnswer.add('announce', () => {
      throw new Error('no')
    })
    afterAnswer.add('close', () => done.push('close'))
    await nextTurn()
    expect(done).toEqual(['announce: Error: no', 'close'])
  })
})
