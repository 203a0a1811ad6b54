// Evidence as plain text.
import type { Evidence } from './report.ts'

export function transcriptText(evidence: readonly Evidence[]): string {
  return evidence
    .map(({ connection, lines }) => {
      const texts = lines.map(
        ({ atMs, what, text }) => `  ${atMs.toFixed(1).padStart(8)} ms  ${what}  ${text}`,
      )
      return [`connection ${connection}`, ...texts].join('\n')
    })
    .join('\n')
}
