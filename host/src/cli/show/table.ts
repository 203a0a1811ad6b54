// Aligned columns of plain text. Knows nothing of what stands in them.
import { printable } from './printable.ts'

const gap = '   '

/** A heading and a line a row; cells that are empty show as `-`, so that columns can be counted. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [headings, ...rows].map((row) => row.map((cell) => (cell === '' ? '-' : printable(cell))))
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return cells.map((row) => `${paddedRow(row, widths)}\n`).join('')
}

/** Names and values, the values aligned, each line indented. Values that are undefined are left out. */
export function facts(pairs: readonly (readonly [string, string | undefined])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  ${name.padEnd(width)}${gap}${printable(value ?? '')}\n`)
    .join('')
}

export function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}

function paddedRow(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join(gap)
    .trimEnd()
}
