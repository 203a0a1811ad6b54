import { EventEmitter, getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { ChangeWaits } from '@conet/host/drivers/change-waits'
import { deadline } from '@conet/sdk'
import { afterEach, describe, expect, it, vi } from 'vitest'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Who looks for a value that comes with a change. */
class Seeker {
  found: string | undefined
  looks = 0
  readonly answer: Promise<string | undefined>

  constructor(waits: ChangeWaits, signal: AbortSignal) {
    this.answer = waits.until(signal, () => {
      this.looks++
      return this.found
    })
  }
}

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

describe('who waits for a change', () => {
  it('is answered without one when there is an answer already, also where the signal has aborted', async () => {
    const waits = new ChangeWaits()
    const { signal } = new AbortController()
    expect(await waits.until(signal, () => 'there')).toBe('there')
    expect(await waits.until(signal, () => false)).toBe(false)
    expect(await waits.until(AbortSignal.abort(), () => 'there')).toBe('there')
  })

  it('looks once for each change, with all others, until there is an answer', async () => {
    const waits = new ChangeWaits()
    const { signal } = new AbortController()
    const seekers = Array.from({ length: 20 }, () => new Seeker(waits, signal))
    const [first, ...others] = seekers
    const looks = () => seekers.map((seeker) => seeker.looks)
    await setImmediate()
    expect(looks()).toEqual(seekers.map(() => 1))
    if (first !== undefined) first.found = 'mine'
    waits.changed()
    expect(await first?.answer).toBe('mine')
    for (const other of others) other.found = 'theirs'
    waits.changed()
    expect(await Promise.all(others.map(({ answer }) => answer))).toEqual(others.map(() => 'theirs'))
    waits.changed()
    await setImmediate()
    expect(looks()).toEqual([2, ...others.map(() => 3)])
  })

  it('is answered with nothing at the deadline, or when the signal aborts, which it may have done before', async () => {
    const waits = new ChangeWaits()
    using limit = deadline(1, 'wait')
    const caller = new AbortController()
    const waiting = [limit.signal, caller.signal, AbortSignal.abort()].map(
      (signal) => new Seeker(waits, signal),
    )
    caller.abort(new TypeError('whatever the reason'))
    const answers = await Promise.all(waiting.map(({ answer }) => answer))
    expect(answers).toEqual([undefined, undefined, undefined])
    const looks = waiting.map((seeker) => seeker.looks)
    waits.changed()
    await setImmediate()
    expect(waiting.map((seeker) => seeker.looks)).toEqual(looks)
  })

  it('is told what goes wrong when it looks, the first time or later', async () => {
    const waits = new ChangeWaits()
    const { signal } = new AbortController()
    const broken = () => {
      throw new TypeError('a bug')
    }
    await expect(waits.until(signal, broken)).rejects.toThrow('a bug')
    let look: () => undefined = () => undefined
    const later = waits.until(signal, () => look())
    look = broken
    waits.changed()
    await expect(later).rejects.toThrow('a bug')
  })

  it('leaves nothing behind, neither at the signal nor among those who wait', async () => {
    const listening = vi.spyOn(EventEmitter.prototype, 'once')
    const waits = new ChangeWaits()
    const { signal } = new AbortController()
    const caller = new AbortController()
    const given = new Seeker(waits, signal)
    const abandoned = new Seeker(waits, caller.signal)
    const emitter = listening.mock.contexts.at(-1)
    const waiters = () => emitter instanceof EventEmitter && emitter.listenerCount('change')
    expect([waiters(), listenersOf(signal), listenersOf(caller.signal)]).toEqual([2, 1, 1])
    caller.abort()
    await abandoned.answer
    expect(waiters()).toBe(1)
    given.found = 'there'
    waits.changed()
    await given.answer
    expect([waiters(), listenersOf(signal), listenersOf(caller.signal)]).toEqual([0, 0, 0])
  })
})
