// Transcripts as lines that a report can hold: the end of each connection, long messages cut.
import type { Entry, Transcript } from '../transcript/transcript.ts'
import { briefOf } from './brief.ts'
import type { Evidence, EvidenceLine } from './report.ts'

const mostLines = 120
const mostText = 2_000

/** The part of a run that is shown, on its clock. */
export type Span = { readonly sinceMs: number; readonly untilMs?: number }

/** What happened in that time; connections on which nothing did are left out. */
export function evidenceOf(transcripts: readonly Transcript[], span: Span): Evidence[] {
  const { sinceMs, untilMs = Number.POSITIVE_INFINITY } = span
  return transcripts.flatMap(({ connection, entries }) => {
    const happened = entries.filter(({ atMs }) => atMs <= untilMs)
    const shown = happened.slice(-mostLines)
    const left = happened.length - shown.length
    const lines = shown.map((entry) => lineOf(entry, sinceMs))
    const first = { atMs: 0, what: 'note', text: `${left} earlier lines are left out` }
    return lines.length === 0 ? [] : [{ connection, lines: left > 0 ? [first, ...lines] : lines }]
  })
}

function lineOf(entry: Entry, sinceMs: number): EvidenceLine {
  const atMs = Math.round((entry.atMs - sinceMs) * 10) / 10
  const brief = briefOf(entry)
  const request = requestOf(entry)
  return {
    ...{ atMs, what: wordOf(entry), text: cut(textOf(entry)) },
    ...(brief !== undefined && { brief }),
    ...(request !== undefined && { request }),
  }
}

function requestOf(entry: Entry): string | undefined {
  if (entry.kind !== 'sent' && entry.kind !== 'received') return undefined
  const { id } = entry.message
  return id === undefined ? undefined : JSON.stringify(id)
}

function wordOf(entry: Entry): string {
  if (entry.kind === 'sent') return 'kit →'
  if (entry.kind === 'sentBytes') return 'kit → bytes'
  if (entry.kind === 'received') return '← driver'
  return entry.kind
}

function textOf(entry: Entry): string {
  if (entry.kind === 'sent' || entry.kind === 'received') return JSON.stringify(entry.message)
  if (entry.kind === 'sentBytes') return `${JSON.stringify(entry.text)} (${entry.bytes} bytes)`
  if (entry.kind === 'fault') return `the driver sent ${entry.reason}`
  if (entry.kind === 'ended') return `by the ${entry.by}: ${entry.reason}`
  return entry.kind === 'note' ? entry.text : ''
}

function cut(text: string): string {
  return text.length > mostText ? `${text.slice(0, mostText)}… (${text.length} characters)` : text
}
