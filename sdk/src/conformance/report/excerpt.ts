// The last that was said before a verdict, over all connections of the check: mostly it shows what is wrong.
import type { CheckResult } from './report.ts'

const mostLines = 8

/** Empty for checks that judge the whole run: what they have found is somewhere in it, and `found` shows it. */
export function excerptOf({ evidence, area }: CheckResult): string {
  if (area === 'transcript') return ''
  const said = evidence
    .flatMap(({ connection, lines }) => lines.map((line) => ({ ...line, connection })))
    .filter(({ brief }) => brief !== undefined)
    .sort((one, other) => one.atMs - other.atMs)
  const isSeveral = new Set(said.map(({ connection }) => connection)).size > 1
  const shown = said.slice(-mostLines).map(({ atMs, brief, connection }) => {
    const where = isSeveral ? `  [${connection}]` : ''
    return `${atMs.toFixed(0).padStart(6)} ms${where}  ${brief}`
  })
  const left = said.length - shown.length
  return [...(left > 0 ? [`(earlier: ${left} more)`] : []), ...shown].join('\n')
}
