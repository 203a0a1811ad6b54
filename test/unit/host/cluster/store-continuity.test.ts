import { keys } from '@conet/host/cluster/keys'
import type { PutBackConflict } from '@conet/host/cluster/put-back-again'
import type { SharedNode } from '@conet/host/cluster/records'
import { StoreContinuity } from '@conet/host/cluster/store-continuity'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { memoryRecords } from '../../../support/memory-records.ts'
import { MemoryStore } from '../../../support/memory-store.ts'

const conflict = (networkId: string): PutBackConflict => ({ networkId, what: `${networkId} is another’s` })

/** A node whose work of putting back is answered by the test: each call, and of which networks it is. */
function scene(nodes: readonly SharedNode[] = []) {
  const store = new MemoryStore()
  const calls: { of: string[] | 'all'; answer(conflicts: PutBackConflict[]): void }[] = []
  const continuity = new StoreContinuity({
    store,
    records: memoryRecords(),
    identity: 'machine',
    awaitMs: 1_000,
    shownMs: 60_000,
    log: pino({ level: 'silent' }),
    nodes: () => nodes,
    putBack: (_limits, networkIds) =>
      new Promise((answer) => calls.push({ of: networkIds === undefined ? 'all' : [...networkIds], answer })),
    speakFor: async () => undefined,
  })
  const call = (n: number) =>
    eventually(() => {
      const found = calls[n]
      if (found === undefined) throw new Error(`nothing was put back for the ${n + 1}th time`)
      return found
    })
  /** It finds the loss. Resolves when it has put back all. */
  const lost = () => {
    store.lose()
    return continuity.assure(end.signal)
  }
  return { store, continuity, calls, call, lost }
}

let end: AbortController
beforeEach(() => {
  end = new AbortController()
})
afterEach(() => end.abort())

describe('a loss that comes while what is left of another is put back', () => {
  it('is put back itself before that is told, whatever becomes of the other', async () => {
    const { continuity, call, lost } = scene()
    await continuity.assure(end.signal)
    const first = lost()
    ;(await call(0)).answer([conflict('blue'), conflict('red')])
    await first
    const again = await call(1)
    const second = lost()
    const ofSecond = await call(2)
    again.answer([])
    await new Promise((resolve) => setImmediate(resolve))
    expect(continuity.replaced).toMatchObject({ isPutBack: false })
    ofSecond.answer([conflict('blue')])
    await second
    expect(continuity.replaced).toMatchObject({ isPutBack: true, conflicts: ['blue is another’s'] })
  })

  it('has one who tries again, of what others have alone', async () => {
    const { continuity, calls, call, lost } = scene()
    await continuity.assure(end.signal)
    const reclaiming = continuity.reclaim(new Set(['green']), end.signal)
    const reclaim = await call(0)
    expect(reclaim.of).toEqual(['green'])
    const loss = lost()
    const all = await call(1)
    expect(all.of).toBe('all')
    reclaim.answer([conflict('green')])
    await reclaiming
    all.answer([conflict('blue')])
    await loss
    const again = await call(2)
    again.answer([conflict('blue')])
    await call(3)
    expect(calls.map(({ of }) => of)).toEqual([['green'], 'all', ['blue'], ['blue']])
  })
})

describe('what others had before this process was started', () => {
  it('is asked for until nobody has it, and is told as no loss', async () => {
    const { continuity, call } = scene()
    const reclaiming = continuity.reclaim(new Set(['blue', 'red']), end.signal)
    ;(await call(0)).answer([conflict('red')])
    expect(continuity.replaced).toBeUndefined()
    const again = await call(1)
    expect(again.of).toEqual(['red'])
    again.answer([])
    await reclaiming
    expect(continuity.replaced).toBeUndefined()
  })
})

const node = (identity: string): SharedNode => ({
  ...{ name: identity, identity, underlayAddress: '192.0.2.1', version: '0', since: '' },
})

describe('a loss from before this process was started, which the store still waits after', () => {
  it('has those awaited that are not back, and no others', async () => {
    const { continuity, store } = scene([node('machine'), node('back'), node('away')])
    await continuity.assure(end.signal)
    const put = (identity: string, generation = '') =>
      store.commit([], [{ put: keys.progress(identity), value: `7 ${generation}` }])
    await put('back', continuity.generation)
    await put('away', 'older')
    expect(continuity.awaited).toBeUndefined()
    continuity.hearOfLoss()
    expect(await continuity.awaited?.areBack({})).toBe(false)
    expect(continuity.awaited?.named).toEqual(['away'])
    expect(continuity.replaced).toBeUndefined()
  })

  it('has nobody known by one who does not know of himself yet', async () => {
    const { continuity } = scene([node('another')])
    await continuity.assure(end.signal)
    continuity.hearOfLoss()
    expect(continuity.awaited).toBeUndefined()
  })
})
