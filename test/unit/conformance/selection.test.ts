// Which checks a run has: by level, by name, by what is left out.
import { allChecks, type ConformanceOptions, levels, UsageError } from '@conet/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { ordered, select } from '../../../sdk/dist/conformance/runner/selection.js'

const order = ['works', 'waits', 'ends']

type Selection = Omit<ConformanceOptions, 'command' | 'socketPath'>

function selected(options: Selection) {
  return select(allChecks, { socketPath: '/x', ...options })
}

function ids(options: Selection): string[] {
  return selected(options).map(({ check }) => check.id)
}

describe('the checks of a run', () => {
  it('are those of core and robust, if nothing is said', () => {
    expect(new Set(selected({}).map(({ check }) => check.level))).toEqual(new Set(['core', 'robust']))
  })

  it('of a level have those of every level before it', () => {
    const counts = levels.map((level) => ids({ level }).length)
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    expect(new Set(counts).size).toBe(levels.length)
    expect(counts.at(-1)).toBe(allChecks.length)
  })

  it('may be named by id and by area, of any level', () => {
    expect(ids({ only: ['drain.refuses', 'cancel'] })).toEqual([
      'cancel.nothing',
      'cancel.answered',
      'cancel.consistent',
      'cancel.next-call',
      'drain.refuses',
    ])
  })

  it('stay in the report when they are left out, and are not run', () => {
    const found = selected({ only: ['cancel'], skip: ['cancel.answered'] })
    expect(found.filter(({ isDisabled }) => isDisabled).map(({ check }) => check.id)).toEqual([
      'cancel.answered',
    ])
    expect(found).toHaveLength(4)
  })

  it('that judge what was said come last', () => {
    const isJudging = ordered(selected({ level: 'upgradable' })).map(({ check }) => 'judge' in check)
    expect(isJudging.indexOf(true)).toBe(isJudging.lastIndexOf(false) + 1)
  })

  it('that mostly wait come after those that run meanwhile, and before those that end the driver', () => {
    const turns = ordered(selected({ level: 'upgradable' })).flatMap(({ check }) => {
      if ('judge' in check) return []
      return check.needs?.includes('command') ? ['ends'] : [check.mostlyWaits === true ? 'waits' : 'works']
    })
    expect(turns).toEqual([...turns].sort((one, other) => order.indexOf(one) - order.indexOf(other)))
    expect(new Set(turns)).toEqual(new Set(order))
  })

  it.each([
    { only: ['rpc.nothing'] },
    { skip: ['rpcs'] },
    { expectedFailures: { 'rpc.nothing': 'issue 1' } },
  ])('have to be there: %j', (options) => {
    expect(() => ids(options)).toThrow(UsageError)
  })
})
