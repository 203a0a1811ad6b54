import { ConetError, deadline } from '@conet/sdk'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a deadline', () => {
  it('aborts with deadlineExceeded when its time is over, and says how long that was', () => {
    using limit = deadline(100, 'plug')
    vi.advanceTimersByTime(99)
    expect(limit.signal.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    expect(limit.signal.reason).toMatchObject({
      kind: 'deadlineExceeded',
      message: 'plug: no answer within 100 ms',
    })
  })

  it('aborts with what the outer signal aborts with, before or after it began', () => {
    const outer = new AbortController()
    const reason = new ConetError('cancelled', 'enough')
    using during = deadline(100, 'plug', outer.signal)
    outer.abort(reason)
    using after = deadline(100, 'plug', outer.signal)
    expect([during.signal.reason, after.signal.reason]).toEqual([reason, reason])
  })

  it('can be given more time, never less, and none once it is over', () => {
    using limit = deadline(100, 'plug')
    vi.advanceTimersByTime(60)
    limit.extend(90)
    limit.extend(1)
    vi.advanceTimersByTime(89)
    expect(limit.signal.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    expect(limit.signal.reason).toMatchObject({ message: 'plug: no answer within 150 ms' })
    limit.extend(1_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leaves no timer and no listener behind', () => {
    const outer = new AbortController()
    {
      using _limit = deadline(100, 'plug', outer.signal)
    }
    expect(vi.getTimerCount()).toBe(0)
    outer.abort()
  })
})
