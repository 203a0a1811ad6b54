// The forms in which a report can be written.
import { jsonReport } from './json.ts'
import type { Report } from './report.ts'
import { textReport } from './text.ts'

export const formats = {
  text: textReport,
  json: jsonReport,
} as const satisfies Record<string, (report: Report) => string>

/** The name of a form: `--report html=report.html`. */
export type ReportFormat = keyof typeof formats

export function isReportFormat(text: string): text is ReportFormat {
  return Object.hasOwn(formats, text)
}
