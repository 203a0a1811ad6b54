// The result: one object a row, the form of `--json`, and the same as a table.
import { catalogue, type Goal } from './catalogue.ts'
import { type Samples, summarise } from './samples.ts'

export type Row = {
  name: string
  unit: string
  p50: number | null
  p99: number | null
  n: number
  /** The row that this one is compared with, or why there is nothing to compare. */
  against: string | null
  /** This row's median over that one's. */
  ratio: number | null
  goal: string | null
  /** Whether the goal is reached; null when there is none or it cannot be told. */
  holds: boolean | null
}

/** `absent`: why a row could not be measured on this machine. */
export function makeRows(samples: Samples, absent: ReadonlyMap<string, string>): Row[] {
  return catalogue
    .filter(({ name }) => samples.has(name) || absent.has(name))
    .map(({ name, unit, goal }) => {
      const own = summarise(samples.get(name) ?? [])
      const other = goal?.against === undefined ? undefined : summarise(samples.get(goal.against) ?? [])
      const ratio = own === undefined || other === undefined ? null : own.p50 / other.p50
      return {
        name,
        unit,
        p50: rounded(own?.p50),
        p99: rounded(own?.p99),
        n: own?.n ?? 0,
        against: absent.get(name) ?? absent.get(goal?.against ?? '') ?? goal?.against ?? null,
        ratio: ratio === null ? null : rounded(ratio),
        goal: goalText(goal, unit),
        holds: holds(goal, goal?.against === undefined ? (own?.p50 ?? null) : ratio),
      }
    })
}

export function formatTable(rows: readonly Row[]): string {
  const head = ['', 'p50', 'p99', 'n', 'ratio', 'goal', '']
  const lines = rows.map((row) => [
    row.name,
    row.p50 === null ? '-' : `${row.p50} ${row.unit}`,
    row.p99 === null ? '-' : `${row.p99} ${row.unit}`,
    `${row.n}`,
    row.ratio === null ? (row.p50 === null ? `${row.against}` : '') : `${row.ratio}× ${row.against}`,
    row.goal ?? '',
    row.holds === null ? '' : row.holds ? 'holds' : 'MISSED',
  ])
  const widths = head.map((_, column) =>
    Math.max(...[head, ...lines].map((line) => line[column]?.length ?? 0)),
  )
  const format = (line: readonly string[]) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [head, ...lines].map(format).join('\n')
}

function goalText(goal: Goal | undefined, unit: string): string | null {
  const mark = goal?.against === undefined ? ` ${unit}` : '×'
  if (goal?.atMost !== undefined) return `≤ ${goal.atMost}${mark}`
  if (goal?.atLeast !== undefined) return `≥ ${goal.atLeast}${mark}`
  return null
}

function holds(goal: Goal | undefined, value: number | null): boolean | null {
  if (value === null) return null
  if (goal?.atMost !== undefined) return value <= goal.atMost
  if (goal?.atLeast !== undefined) return value >= goal.atLeast
  return null
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Number(value.toPrecision(value < 1 ? 3 : 4))
}
