// How long the kit waits, and for what no longer.
import { describe, expect, it } from 'vitest'
import { Patience } from '../../../sdk/dist/conformance/wire/patience.js'

describe('the patience of the kit', () => {
  it('ends for a method that kept it waiting twice, and for no other', () => {
    const patience = new Patience({ callMs: 10_000, toleranceMs: 2_000, momentMs: 1_000 })
    patience.missed('endpoint/plug')
    expect(patience.callMs('endpoint/plug')).toBe(10_000)
    patience.missed('endpoint/plug')
    expect(patience.callMs('endpoint/plug')).toBe(1_000)
    expect(patience.callMs('network/create')).toBe(10_000)
  })
})
