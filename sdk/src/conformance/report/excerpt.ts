// The last that was said before a verdict, over all connections of the check: mostly it shows what is wrong. The last request
// and its answer are there as a whole, the rest is cut to a line each.
import type { CheckResult, EvidenceLine } from './report.ts'

const mostLines = 8
const mostCharacters = 300

type Said = EvidenceLine & { readonly connection: number; readonly brief: string }

/** Empty for checks that judge the whole run: what they have found is somewhere in it, and `found` shows it. */
export function excerptOf({ evidence, area }: CheckResult): string {
  if (area === 'transcript') return ''
  const said = evidence
    .flatMap(({ connection, lines }) => lines.map((line) => ({ ...line, connection })))
    .filter((line): line is Said => line.brief !== undefined)
    .sort((one, other) => one.atMs - other.atMs)
  const last = said.findLast(({ request }) => request !== undefined)
  const isOfLast = ({ connection, request }: Said) =>
    request !== undefined && request === last?.request && connection === last.connection
  const shown = said.filter((line, index) => index >= said.length - mostLines || isOfLast(line))
  const isSeveral = new Set(said.map(({ connection }) => connection)).size > 1
  const lines = shown.map((line) => {
    const where = isSeveral ? `  [${line.connection}]` : ''
    return `${line.atMs.toFixed(0).padStart(6)} ms${where}  ${isOfLast(line) ? line.brief : cut(line.brief)}`
  })
  const left = said.length - shown.length
  return [...(left > 0 ? [`(earlier: ${left} more)`] : []), ...lines].join('\n')
}

function cut(text: string): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text
}
