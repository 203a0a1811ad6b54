// One check against the driver: within its time, cleaned up after, and the driver still alive at the end.
import { type ActiveCheck, profiles } from '../checks/check.ts'
import { NotApplicable, Untestable, Violation } from '../checks/verdicts.ts'
import type { CheckContext } from '../context/check-context.ts'
import { takesConnections } from '../target/takes-connections.ts'
import { endOf, type Target } from '../target/target.ts'
import { type Outcome, outcomeOf, passed } from './outcome.ts'
import { within } from './within.ts'

const limitMs = 20_000
/** More than one call may take: after two such calls nobody waits for that method any more. */
const cleanupMs = 15_000
/** When the user waits for the end. */
const hurriedMs = 2_000
/** From the end of a process's connections to the news of its end. */
const obituaryMs = 100
/** The same of one that listens no more: it is about to end, on a machine that has much to do. */
const dyingMs = 3_000
/** Of what the driver wrote to stderr. */
const mostLines = 6
const mostCharacters = 300

export type ActiveOutcome = Outcome & {
  /** When the verdict fell, before the cleaning up. */
  readonly endedAtMs: number
  /** Trouble in cleaning up, and what the driver wrote to stderr during a check that it did not pass. */
  readonly notes: readonly string[]
}

type RunOptions = {
  /** Starts the driver again if it is gone. */
  revive(): Promise<void>
  readonly signal?: AbortSignal | undefined
}

/** Never rejects. When the signal aborts the check ends at once, and is still cleaned up after. */
export async function runActiveCheck(
  check: ActiveCheck,
  kit: CheckContext,
  { revive, signal }: RunOptions,
): Promise<ActiveOutcome> {
  const stderr = stderrOf(kit.target)
  const { endedAtMs, ...outcome } = await attempt(check, kit, signal)
  const found = orDeath(outcome, await deathIn(kit, isGood(outcome)), 'during this check')
  const before = isGood(found) ? [] : writtenSince(stderr, kit.target)
  const limitMs = signal?.aborted ? hurriedMs : cleanupMs
  const trouble = await cleanUp(kit, { limitMs, revive: signal?.aborted ? undefined : revive })
  const death = await deathIn(kit, trouble.length === 0)
  const final = isGood(found) ? orDeath(found, death, 'when the kit took away what it had asked for') : found
  const after = isGood(found) && !isGood(final) ? writtenSince(stderr, kit.target) : []
  return { ...final, endedAtMs, notes: [...trouble, ...before, ...after] }
}

async function attempt(
  check: ActiveCheck,
  kit: CheckContext,
  signal?: AbortSignal,
): Promise<Outcome & { readonly endedAtMs: number }> {
  const { severity = 'must' } = check
  try {
    assertTestable(check, kit)
    await within({ ms: kit.scaled(check.limitMs ?? limitMs), what: 'the check', signal }, check.run(kit))
    return { ...passed, endedAtMs: performance.now() }
  } catch (error) {
    const endedAtMs = error instanceof Violation ? error.atMs : performance.now()
    return { ...outcomeOf(error, severity), endedAtMs }
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

/** By a driver that has died, too: what it made may be in the kernel still. */
async function cleanUp(
  kit: CheckContext,
  { limitMs, revive }: { limitMs: number; revive: (() => Promise<void>) | undefined },
): Promise<string[]> {
  const trouble: string[] = []
  const note = (error: unknown) =>
    void trouble.push(`cleaning up: ${error instanceof Error ? error.message : String(error)}`)
  await revive?.().catch(note)
  await within({ ms: kit.scaled(limitMs), what: 'cleaning up' }, kit[Symbol.asyncDispose]()).catch(note)
  return trouble
}

function isGood({ status }: Outcome): boolean {
  return status === 'pass' || status === 'not-applicable' || status === 'untestable'
}

/** In words, if the driver's process ended by itself. */
async function deathIn({ target }: CheckContext, isWell: boolean): Promise<string | undefined> {
  const { process, socketPath } = target
  if (process === undefined) return undefined
  const end = await endOf(process, isWell ? 0 : obituaryMs)
  if (end !== undefined || isWell || (await takesConnections(socketPath))) return end
  return endOf(process, dyingMs)
}

/** What the check found is mostly what came of it. */
function orDeath(outcome: Outcome, how: string | undefined, when: string): Outcome {
  if (how === undefined) return outcome
  const died = `the driver’s process ended ${when} (${how})`
  const message = isGood(outcome) ? died : `${died}: ${outcome.message}`
  return { ...outcome, ...outcomeOf(new Violation(message, { mend: mendDeath }), 'must') }
}

const mendDeath = 'Read what it wrote to stderr. The kit starts it again for the checks that follow.'

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
