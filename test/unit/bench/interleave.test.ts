import { describe, expect, it } from 'vitest'
import { interleave, type Side } from '../../bench/interleave.ts'

function side(name: string, warmUps: number, log: string[]): Side {
  return {
    warmUps,
    round: async () => {
      log.push(name)
      return [[name, log.length]]
    },
  }
}

const quiet = { progress: () => undefined, title: 'test' }

describe('interleave', () => {
  it('warms up without counting, then goes forth and back', async () => {
    const log: string[] = []
    const samples = new Map<string, number[]>()
    const { signal } = new AbortController()
    await interleave([side('a', 2, log), side('b', 0, log)], samples, { rounds: 2, signal, ...quiet })
    expect(log.join('')).toBe('aaabba')
    expect(samples).toEqual(
      new Map([
        ['a', [3, 6]],
        ['b', [4, 5]],
      ]),
    )
  })

  it('stops between rounds when it is told to', async () => {
    const log: string[] = []
    const stop = new AbortController()
    const stopping: Side = {
      warmUps: 0,
      round: async () => {
        stop.abort('enough')
        return []
      },
    }
    const run = interleave([stopping, side('b', 0, log)], new Map(), {
      rounds: 9,
      signal: stop.signal,
      ...quiet,
    })
    await expect(run).rejects.toBe('enough')
    expect(log).toEqual([])
  })
})
