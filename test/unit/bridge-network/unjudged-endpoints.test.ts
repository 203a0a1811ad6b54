import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UnjudgedEndpoints } from '../../../sdk/dist/bridge-network/unjudged-endpoints.js'

let judged = 0
let unjudged: UnjudgedEndpoints

beforeEach(() => {
  vi.useFakeTimers()
  judged = 0
  unjudged = new UnjudgedEndpoints()
  unjudged.whenOverdue(() => {
    judged += 1
  })
})

afterEach(() => void vi.useRealTimers())

describe('endpoints whose flows began unjudged', () => {
  it('are judged when the last has come back, and without those that never do when none has for some time', () => {
    unjudged.await(['a', 'b', 'c'], () => true)
    vi.advanceTimersByTime(4_000)
    expect(unjudged.isDue('a')).toBe(false)
    vi.advanceTimersByTime(4_000)
    expect(judged).toBe(0)
    vi.advanceTimersByTime(2_000)
    expect(judged).toBe(1)
    // Each of the others as it comes.
    expect(unjudged.isDue('b')).toBe(true)
    expect(unjudged.isDue('b')).toBe(false)
    expect(unjudged.isDue('c')).toBe(true)
  })

  it('are judged at once where a sync has brought all before the driver took charge', () => {
    unjudged.await([], () => true)
    expect(judged).toBe(1)
  })

  it('are not judged where nothing was lost, but where the sync shows that something was', () => {
    unjudged.await(['a', 'b'], () => false)
    vi.advanceTimersByTime(60_000)
    expect(judged).toBe(0)
    expect(unjudged.isDue('a')).toBe(false)
    unjudged.noteLoss()
    expect(unjudged.isDue('b')).toBe(true)
  })

  it('are waited for no more once another instance is in charge', () => {
    unjudged.await(['a'], () => true)
    unjudged.leave()
    vi.advanceTimersByTime(60_000)
    expect([judged, unjudged.isDue('a')]).toEqual([0, false])
  })
})
