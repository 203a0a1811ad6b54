import { EventLog } from '@conet/host/lifecycle/event-log'
import type { EventView } from '@conet/sdk/api'
import { describe, expect, it } from 'vitest'

describe('the event log', () => {
  it('gives what came after an event, all for 0, and says when the past is gone', () => {
    const log = new EventLog()
    const seen: EventView[] = []
    const stop = log.subscribe((event) => seen.push(event))
    for (let n = 0; n < 5_000; n++) log.append({ type: `e${n}` })
    stop()
    log.append({ type: 'last' })
    const first = seen[0]?.id ?? 0
    expect(seen).toHaveLength(5_000)
    expect(log.since(first + 4_998)?.map(({ type }) => type)).toEqual(['e4999', 'last'])
    expect(log.since(first + 5_000)).toEqual([])
    expect(log.since(first)).toBeUndefined()
    expect(log.since(first + 5_001)).toBeUndefined()
    expect(log.since(0)).toHaveLength(4_096)
  })

  it('goes on where the former one stopped in order', () => {
    const former = new EventLog()
    former.append({ type: 'a' })
    const later = new EventLog(former.history())
    later.append({ type: 'b' })
    const [a, b] = later.since(0) ?? []
    expect(later.since(a?.id ?? 0)).toEqual([b])
  })

  it('of a later host after a crash has higher ids, so that the last id of a former one is the past', async () => {
    const former = new EventLog()
    const ids: number[] = []
    former.subscribe(({ id }) => ids.push(id))
    former.append({ type: 'a' })
    await new Promise((resolve) => setTimeout(resolve, 5))
    const later = new EventLog()
    later.append({ type: 'b' })
    expect(later.since(ids[0] ?? 0)).toBeUndefined()
  })
})
