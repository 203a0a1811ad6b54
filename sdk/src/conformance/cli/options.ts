// Words of the command line to values; what is wrong with one is said in a sentence.
import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'
import { type Level, levels } from '../checks/check.ts'
import { allChecks } from '../checks/index.ts'
import { formats, isReportFormat, type ReportFormat } from '../report/formats.ts'
import { assertCheck } from '../runner/selection.ts'
import { UsageError } from '../runner/usage-error.ts'
import { isJson, type Json } from '../wire/strict-parser.ts'

/** Where a report goes, and in which form. */
export type ReportTarget = { readonly format: ReportFormat; readonly file: string }

export function parseLevel(text: string): Level {
  const level = levels.find((candidate) => candidate === text)
  if (level === undefined) throw new InvalidArgumentError(`It is none of ${levels.join(', ')}.`)
  return level
}

/** Several may come in one word, with commas, or in several options. */
export function parseNames(text: string, before: readonly string[] = []): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.length === 0) throw new InvalidArgumentError('It names no check and no area.')
  return [...before, ...names]
}

export function parseSeed(text: string): number {
  const seed = Number(text)
  if (!/^[0-9]+$/.test(text) || seed > 0xffff_ffff) {
    throw new InvalidArgumentError('It is no whole number from 0 to 4294967295.')
  }
  return seed
}

export function parseScale(text: string): number {
  const scale = Number(text)
  if (!(scale > 0 && scale <= 100)) throw new InvalidArgumentError('It is no number above 0 and at most 100.')
  return scale
}

export function parseReport(text: string, before: readonly ReportTarget[] = []): ReportTarget[] {
  const at = text.indexOf('=')
  const format = text.slice(0, at)
  const file = text.slice(at + 1)
  if (at === -1 || file === '' || !isReportFormat(format)) {
    throw new InvalidArgumentError(
      `It is no FORMAT=FILE with a format of ${Object.keys(formats).join(', ')}.`,
    )
  }
  return [...before, { format, file }]
}

/** A file with one JSON object. */
export function parseDocument(path: string): Json {
  return documentOf(path, textOf(path))
}

/** A file with an object of check ids and reasons. What is wrong is told with its line. */
export function parseExpectedFailures(path: string): Record<string, string> {
  const text = textOf(path)
  return Object.fromEntries(
    Object.entries(documentOf(path, text)).map(([id, reason]) => {
      const place = `${path}:${lineOf(text, id)}`
      try {
        assertCheck(allChecks, id)
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        throw new InvalidArgumentError(`${place}: ${error.message}.`)
      }
      if (typeof reason !== 'string' || reason.trim() === '') {
        throw new InvalidArgumentError(`${place}: ${id} has no reason.`)
      }
      return [id, reason]
    }),
  )
}

/** Of the member of that name, from 1. */
function lineOf(text: string, name: string): number {
  return text.slice(0, Math.max(0, text.indexOf(JSON.stringify(name)))).split('\n').length
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
}

function documentOf(path: string, text: string): Json {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new InvalidArgumentError(`${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!isJson(value)) throw new InvalidArgumentError(`${path} holds no JSON object.`)
  return value
}
