// One check against the driver: within its time, cleaned up after, and the driver still alive at the end.
import { type ActiveCheck, profiles } from '../checks/check.ts'
import { NotApplicable, Untestable, Violation } from '../checks/verdicts.ts'
import type { CheckContext } from '../context/check-context.ts'
import type { Target } from '../target/target.ts'
import { type Outcome, outcomeOf, passed } from './outcome.ts'
import { within } from './within.ts'

const limitMs = 20_000
/** More than one call may take: after two such calls nobody waits for that method any more. */
const cleanupMs = 15_000
/** When the user waits for the end. */
const hurriedMs = 2_000
/** Of what the driver wrote to stderr. */
const mostLines = 6
const mostCharacters = 300

export type ActiveOutcome = Outcome & {
  /** When the verdict fell, before the cleaning up. */
  readonly endedAtMs: number
  /** Trouble in cleaning up, and what the driver wrote to stderr during a check that it did not pass. */
  readonly notes: readonly string[]
}

/** Never rejects. When the signal aborts the check ends at once, and is still cleaned up after. */
export async function runActiveCheck(
  check: ActiveCheck,
  kit: CheckContext,
  signal?: AbortSignal,
): Promise<ActiveOutcome> {
  const stderr = stderrOf(kit.target)
  const outcome = await attempt(check, kit, signal)
  const endedAtMs = performance.now()
  const trouble = await cleanUp(kit, signal?.aborted ? hurriedMs : cleanupMs)
  const isDead = outcome.status === 'pass' && hasDied(check, kit.target)
  const final = isDead ? death() : outcome
  const isGood = final.status === 'pass' || final.status === 'not-applicable' || final.status === 'untestable'
  const wrote = isGood ? [] : writtenSince(stderr, kit.target)
  return { ...final, endedAtMs, notes: [...trouble, ...wrote] }
}

async function attempt(check: ActiveCheck, kit: CheckContext, signal?: AbortSignal): Promise<Outcome> {
  const { severity = 'must' } = check
  try {
    assertTestable(check, kit)
    await within({ ms: kit.scaled(check.limitMs ?? limitMs), what: 'the check', signal }, check.run(kit))
    return passed
  } catch (error) {
    return outcomeOf(error, severity)
  }
}

function assertTestable({ profile, needs = [] }: ActiveCheck, { introduction, target }: CheckContext): void {
  if (profile !== undefined && !profiles[profile](introduction)) {
    throw new NotApplicable(`the driver does not advertise "${profile}"`)
  }
  if (needs.includes('command') && target.process === undefined) {
    throw new Untestable('needs --command, so that the kit can end the driver and start it again')
  }
  if (needs.includes('root') && process.getuid?.() !== 0) {
    throw new Untestable('needs root, to make network namespaces and look into them')
  }
}

async function cleanUp(kit: CheckContext, limitMs: number): Promise<string[]> {
  try {
    await within({ ms: kit.scaled(limitMs), what: 'cleaning up' }, kit[Symbol.asyncDispose]())
    return []
  } catch (error) {
    return [`cleaning up: ${error instanceof Error ? error.message : String(error)}`]
  }
}

/** A check that needs the command may end the process; any other has found a crash. */
function hasDied({ needs = [] }: ActiveCheck, { process }: Target): boolean {
  return process !== undefined && !process.isAlive && !needs.includes('command')
}

function death(): Outcome {
  return outcomeOf(new Violation('the driver’s process ended during this check'), 'must')
}

function stderrOf({ process }: Target): string {
  return process?.stderr ?? ''
}

/** Of another process, or when the beginning has been dropped: all that there is. */
function writtenSince(before: string, target: Target): string[] {
  const now = stderrOf(target)
  const text = (now.startsWith(before) ? now.slice(before.length) : now).trim()
  if (text === '') return []
  const lines = text.split('\n').slice(-mostLines)
  const cut = lines.map((line) => (line.length > mostCharacters ? `${line.slice(0, mostCharacters)}…` : line))
  return [`the driver wrote to stderr:\n${cut.join('\n')}`]
}
