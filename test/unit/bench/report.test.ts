import { describe, expect, it } from 'vitest'
import { catalogue, selectRows, UnknownRow } from '../../bench/catalogue.ts'
import { formatTable, makeRows } from '../../bench/report.ts'
import { summarise } from '../../bench/samples.ts'

const samples = new Map([
  ['floor-plug', [1, 2, 3]],
  ['bridge-plug', [2, 5, 9]],
  ['conetd-rss', [170, 170]],
])
const rowOf = (name: string, absent = new Map<string, string>()) =>
  makeRows(samples, absent).find((row) => row.name === name)

describe('the rows of the bench', () => {
  it('compare the median with that of the row they are measured against', () => {
    expect(rowOf('bridge-plug')).toEqual({
      name: 'bridge-plug',
      unit: 'ms',
      p50: 5,
      p99: 9,
      n: 3,
      against: 'floor-plug',
      ratio: 2.5,
      goal: '≤ 2×',
      holds: false,
    })
  })

  it('hold a goal that is a value against the value', () => {
    expect(rowOf('conetd-rss')).toMatchObject({ against: null, ratio: null, goal: '≤ 160 MB', holds: false })
  })

  it('claim nothing without a goal', () => {
    expect(rowOf('floor-plug')).toMatchObject({ against: null, ratio: null, goal: null, holds: null })
  })

  it('say why a rival was not measured, and claim nothing', () => {
    const absent = new Map([['cni-add', 'not installed: /usr/lib/cni/bridge']])
    const row = rowOf('cni-add', absent)
    expect(row).toMatchObject({ p50: null, n: 0, against: 'not installed: /usr/lib/cni/bridge', holds: null })
    expect(formatTable(makeRows(samples, absent))).toMatch(/^cni-add +- +- +0 +not installed: /m)
  })

  it('claim nothing when the other side was not measured', () => {
    const rows = makeRows(new Map([['bridge-plug', [1]]]), new Map())
    expect(rows).toMatchObject([{ name: 'bridge-plug', ratio: null, holds: null }])
  })

  it('are measured only against rows that exist', () => {
    const names = catalogue.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const { goal } of catalogue) expect([...names, undefined]).toContain(goal?.against)
  })
})

describe('--only', () => {
  it('measures the row and the one it is compared with', () => {
    expect([...selectRows(['bridge-plug'])].sort()).toEqual(['bridge-plug', 'floor-plug'])
  })

  it('refuses a name that is none and lists the rows', () => {
    expect(() => selectRows(['bridge'])).toThrow(UnknownRow)
    expect(() => selectRows(['bridge'])).toThrow(/no row bridge; there are: http-empty, /)
  })
})

describe('summarise', () => {
  it('takes the median and the 99th percentile of the sorted values', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index)
    expect(summarise(values)).toEqual({ p50: 101, p99: 199, n: 200 })
  })

  it('has nothing to say of nothing', () => {
    expect(summarise([])).toBeUndefined()
  })
})
