import { SeenTroubles } from '@conet/host/lifecycle/seen-troubles'
import { describe, expect, it } from 'vitest'

const gone = new Map([['n1', 'it is gone']])

describe('what somebody saw to be amiss', () => {
  it('is not shown again by a look that began before a later one has said otherwise', () => {
    const seen = new SeenTroubles()
    using slow = seen.look('bridge')
    using quick = seen.look('bridge')
    quick.found(new Map())
    slow.found(gone)
    expect(seen.troubleOf('n1')).toBeUndefined()
  })

  it('is not shown again by a look during which it was mended, but by the next', () => {
    const seen = new SeenTroubles()
    using look = seen.look('bridge')
    seen.mended('n1')
    look.found(gone)
    expect(seen.troubleOf('n1')).toBeUndefined()
    using next = seen.look('bridge')
    next.found(gone)
    expect(seen.troubleOf('n1')).toBe('it is gone')
  })

  it('is each one’s own: what another looks at is as it was', () => {
    const seen = new SeenTroubles()
    using bridge = seen.look('bridge')
    bridge.found(gone)
    using vxlan = seen.look('vxlan')
    vxlan.found(new Map())
    expect(seen.troubleOf('n1')).toBe('it is gone')
  })
})
