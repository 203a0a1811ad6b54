import { KeyedQueue } from '@conet/sdk'
import { describe, expect, it } from 'vitest'

describe('keyed queue', () => {
  it('runs the work of one key in the order of the calls, also after a failure', async () => {
    const queue = new KeyedQueue()
    const order: number[] = []
    const step = (n: number) => async () => {
      await new Promise((resolve) => setImmediate(resolve))
      order.push(n)
      if (n === 1) throw new Error('first fails')
    }
    const results = await Promise.allSettled([
      queue.run('a', step(1)),
      queue.run('a', step(2)),
      queue.run('a', step(3)),
    ])
    expect(results.map((result) => result.status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect(order).toEqual([1, 2, 3])
    expect(queue.size).toBe(0)
  })

  it('runs different keys side by side', async () => {
    const queue = new KeyedQueue()
    let release: () => void = () => undefined
    const blocked = queue.run('a', () => new Promise<void>((resolve) => (release = resolve)))
    await expect(queue.run('b', async () => 'done')).resolves.toBe('done')
    release()
    await blocked
  })
})
