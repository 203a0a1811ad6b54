// One check against the driver: within its time, cleaned up after, and the driver still alive at the end.
import { type ActiveCheck, profiles } from '../checks/check.ts'
import { NotApplicable, Untestable, Violation } from '../checks/verdicts.ts'
import type { CheckContext } from '../context/check-context.ts'
import type { Target } from '../target/target.ts'
import { type Outcome, outcomeOf, passed } from './outcome.ts'

const limitMs = 20_000
const cleanupMs = 10_000

/** Never rejects. `notes` hears trouble in cleaning up. */
export async function runActiveCheck(
  check: ActiveCheck,
  kit: CheckContext,
  notes: string[],
): Promise<Outcome> {
  const outcome = await attempt(check, kit)
  await cleanUp(kit, notes)
  if (outcome.status !== 'pass' || !hasDied(check, kit.target)) return outcome
  const death = new Violation('the driver’s process ended during this check', {
    found: kit.target.process?.stderr,
  })
  return outcomeOf(death, 'must')
}

async function attempt(check: ActiveCheck, kit: CheckContext): Promise<Outcome> {
  const { severity = 'must' } = check
  try {
    assertTestable(check, kit)
    await within(kit.scaled(check.limitMs ?? limitMs), 'the check', check.run(kit))
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

async function cleanUp(kit: CheckContext, notes: string[]): Promise<void> {
  try {
    await within(kit.scaled(cleanupMs), 'cleaning up', kit[Symbol.asyncDispose]())
  } catch (error) {
    notes.push(`cleaning up: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A check that needs the command may end the process; any other has found a crash. */
function hasDied({ needs = [] }: ActiveCheck, { process }: Target): boolean {
  return process !== undefined && !process.isAlive && !needs.includes('command')
}

async function within(ms: number, what: string, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Violation(`${what} did not end within ${ms} ms`)), ms)
  })
  // What goes on after its time ends with the connections, and nobody waits for it.
  work.catch(() => undefined)
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
