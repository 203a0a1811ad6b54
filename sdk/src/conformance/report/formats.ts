// The forms in which a report can be written.
import { htmlReport } from './html.ts'
import { jsonReport } from './json.ts'
import { junitReport } from './junit.ts'
import type { Report } from './report.ts'
import { tapReport } from './tap.ts'
import { textReport } from './text.ts'

/** A report in each form, as text. Pure. */
export const formats = {
  text: textReport,
  json: jsonReport,
  junit: junitReport,
  tap: tapReport,
  html: htmlReport,
} as const satisfies Record<string, (report: Report) => string>

/** The name of a form: `--report html=report.html`. */
export type ReportFormat = keyof typeof formats

export function isReportFormat(text: string): text is ReportFormat {
  return Object.hasOwn(formats, text)
}
