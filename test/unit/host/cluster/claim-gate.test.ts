import { AwaitedNodes } from '@conet/host/cluster/awaited-nodes'
import { assertOpen, ClaimGate } from '@conet/host/cluster/claim-gate'
import { keys } from '@conet/host/cluster/keys'
import type { SharedNode } from '@conet/host/cluster/records'
import type { Condition } from '@conet/host/cluster/shared-store'
import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'

const three: SharedNode = {
  name: 'three',
  identity: 'id-three',
  underlayAddress: '192.0.2.3',
  version: '0',
  since: '',
}

/** A store of plain entries, and a node that knows it as `known`. */
function scene(
  entries: Record<string, string>,
  { known = 'new', awaits = false, hears = false, waitMs = 5_000 } = {},
) {
  const held = new Map(Object.entries(entries))
  let looks = 0
  let away: Error | undefined
  const holds = (condition: Condition) =>
    'is' in condition
      ? held.get(condition.is) === condition.value
      : 'absent' in condition && !held.has(condition.absent)
  const entryOf = (key: string, value: string) => ({ key, value, revision: 1 })
  const store = {
    get: async (key: string) => {
      if (away !== undefined) throw away
      if (key === keys.awaiting) looks += 1
      return held.has(key) ? entryOf(key, held.get(key) ?? '') : undefined
    },
    list: async (prefix: string) => ({
      entries: [...held].flatMap(([key, value]) => (key.startsWith(prefix) ? [entryOf(key, value)] : [])),
      revision: 1,
    }),
    commit: async (conditions: readonly Condition[]) => ({ committed: conditions.every(holds), revision: 1 }),
  }
  let isKnown = true
  const continuity = {
    get generation() {
      return isKnown ? known : undefined
    },
    awaited: awaits ? new AwaitedNodes(store, 'new', [three]) : undefined,
    hearOfLoss: () => {
      if (hears) continuity.awaited ??= new AwaitedNodes(store, 'new', [three])
    },
    doubt: () => {
      isKnown = false
    },
  }
  const assure = async () => {
    // As long as the store does not answer.
    if (away !== undefined) await new Promise(() => undefined)
    known = held.get(keys.generation) ?? ''
    isKnown = true
  }
  const gate = new ClaimGate({ store, continuity, assure, waitMs })
  const taken: (readonly Condition[])[] = []
  const take = () =>
    gate.run(
      'take addresses',
      async (conditions) => {
        await assertOpen(store, conditions, {})
        taken.push(conditions)
      },
      {},
    )
  const end = (reason: Error) => {
    away = reason
  }
  return { held, take, taken, end, looks: () => looks }
}

describe('what others may have', () => {
  it('is taken at once from a store that has lost nothing', async () => {
    const { take, taken } = scene({ [keys.generation]: 'new' })
    await take()
    expect(taken).toEqual([[{ is: keys.generation, value: 'new' }, { absent: keys.awaiting }]])
  })

  it('is refused at once, with the reason, while the store does not answer', async () => {
    const { take, end } = scene({ [keys.generation]: 'newer' })
    end(new ConetError('clusterUnavailable', 'etcd cannot be reached'))
    await expect(take()).rejects.toMatchObject({ message: 'take addresses: etcd cannot be reached' })
  })

  it('is taken from a store that has lost something only after that is known here', async () => {
    const { take, taken } = scene({ [keys.generation]: 'newer' })
    await take()
    expect(taken).toMatchObject([[{ value: 'newer' }, {}]])
  })

  it('is not taken while hosts are awaited, by one who knows none of them', async () => {
    const { held, take, looks } = scene({ [keys.generation]: 'new', [keys.awaiting]: 'new' })
    let isTaken = false
    const taking = take().then(() => {
      isTaken = true
    })
    await eventually(() => looks() > 1)
    expect(isTaken).toBe(false)
    held.delete(keys.awaiting)
    await taking
  })

  it('is taken as soon as all are back, by one who was started after the loss', async () => {
    const { held, take, taken, looks } = scene(
      { [keys.generation]: 'new', [keys.awaiting]: 'new' },
      { hears: true },
    )
    const taking = take()
    await eventually(() => looks() > 1)
    expect(taken).toEqual([])
    held.set(keys.progress('id-three'), '7 new')
    await taking
    expect(taken).toEqual([[{ is: keys.generation, value: 'new' }]])
  })

  it('is taken as soon as all are back that were there before, or were removed', async () => {
    const entries = { [keys.generation]: 'new', [keys.awaiting]: 'new' }
    for (const [key, value] of [
      [keys.progress('id-three'), '7 new'],
      [keys.removed('id-three'), 'today'],
    ]) {
      const { held, take, taken } = scene(entries, { awaits: true })
      held.set(keys.progress('id-three'), '6 old')
      const taking = take()
      await new Promise((resolve) => setImmediate(resolve))
      expect(taken).toEqual([])
      held.set(key ?? '', value ?? '')
      await taking
      expect(taken).toEqual([[{ is: keys.generation, value: 'new' }]])
    }
  })

  it('is refused after a while, with who is not back and what to do', async () => {
    const entries = { [keys.generation]: 'new', [keys.awaiting]: 'new' }
    await expect(scene(entries, { awaits: true, waitMs: 100 }).take()).rejects.toMatchObject({
      kind: 'clusterUnavailable',
      message:
        'take addresses: the shared store has lost what it held, and three may still have to put back what is theirs',
      details: { awaited: ['three'] },
      help: expect.stringContaining('conet node rm NAME --fenced'),
    })
  })
})
