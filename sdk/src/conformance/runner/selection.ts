// Which checks a run has, and which of them the user left out.
import { areaOf, type Check, isTranscriptCheck, levels } from '../checks/check.ts'
import type { ConformanceOptions } from './options.ts'
import { UsageError } from './usage-error.ts'

/** A check of a run. */
export type Selected = { readonly check: Check; readonly isDisabled: boolean }

/** In the order of the list. Throws a UsageError for a word that is neither an id nor an area. */
export function select(checks: readonly Check[], options: ConformanceOptions): Selected[] {
  const { level = 'robust', only = [], skip = [], expectedFailures = {} } = options
  for (const word of [...only, ...skip]) assertKnown(checks, word)
  for (const id of Object.keys(expectedFailures)) assertCheck(checks, id)
  return checks
    .filter((check) => only.length > 0 || levels.indexOf(check.level) <= levels.indexOf(level))
    .filter((check) => only.length === 0 || only.some((word) => isNamed(check, word)))
    .map((check) => ({ check, isDisabled: skip.some((word) => isNamed(check, word)) }))
}

/** Checks by id and by area, in the order of the list. Throws a UsageError for a word that is neither. */
export function checksNamed(checks: readonly Check[], words: readonly string[]): Check[] {
  for (const word of words) assertKnown(checks, word)
  return checks.filter((check) => words.some((word) => isNamed(check, word)))
}

/**
 * Those that wait beside others come when the others are done, those that end the driver's process after them, and those
 * that judge what was said last, when everything has been said.
 */
export function ordered(selected: readonly Selected[]): Selected[] {
  const turns = [0, 1, 2, 3]
  return turns.flatMap((turn) => selected.filter(({ check }) => turnOf(check) === turn))
}

function turnOf(check: Check): number {
  if (isTranscriptCheck(check)) return 3
  if (check.needs?.includes('command')) return 2
  return check.mostlyWaits === true ? 1 : 0
}

/** Of a whole area nobody could say which failure is new. */
export function assertCheck(checks: readonly Check[], word: string): void {
  assertKnown(checks, word)
  if (checks.some(({ id }) => id === word)) return
  const ids = checks.filter((check) => areaOf(check) === word).map(({ id }) => id)
  throw new UsageError(`"${word}" is an area, and failures are expected of checks: name ${ids.join(', ')}`)
}

function isNamed(check: Check, word: string): boolean {
  return check.id === word || areaOf(check) === word
}

function assertKnown(checks: readonly Check[], word: string): void {
  if (checks.some((check) => isNamed(check, word))) return
  throw new UsageError(`no check and no area is called "${word}": see conet-conformance list`)
}
