// Each driver of the tree meets every check, with random sequences of several seeds.
import { describe, expect, it } from 'vitest'
import { bundledDrivers, conformanceOf, failuresOf } from '../support/conformance-program.ts'

const seeds = [1, 2, 3]
const cases = bundledDrivers.flatMap((name) => seeds.map((seed) => [name, seed] as const))

describe.concurrent('the bundled drivers keep the contract', () => {
  it.each(cases)(
    '[K7] the %s driver passes every check, with seed %d',
    { timeout: 420_000 },
    async (name, seed) => {
      const { report } = await conformanceOf(name, ['--seed', String(seed)])
      expect(failuresOf(report)).toEqual([])
      expect(report.reached).toBe('upgradable')
    },
  )
})
