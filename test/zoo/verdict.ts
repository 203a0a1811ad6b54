// What the conformance kit says of a driver of the zoo, in process or as a program.
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { allChecks, type ConformanceOptions, runConformance } from '@conet/sdk/conformance'
import { repository } from '../support/repository.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { type Behaviour, goodBehaviour, type Variant } from './behaviour.ts'
import type { Mutation } from './mutations/mutation.ts'
import { ZooDriver } from './zoo-driver.ts'

/** These wait for times that the protocol fixes: 5 s and 10 s. */
export const slowChecks: readonly string[] = ['framing.slow-header', 'handshake.silence']

/** For drivers that make interfaces, which have a zoo of their own. */
export const kernelChecks: readonly string[] = allChecks
  .map(({ id }) => id)
  .filter((id) => areaOf(id) === 'kernel')

export const everyCheck: readonly string[] = allChecks
  .map(({ id }) => id)
  .filter((id) => areaOf(id) !== 'kernel')

/**
 * The checks that a mutation fails, those that bring it to light, and those of everything that is said. Random sequences
 * only where nothing else finds it: most of their time goes by until the shortest that fails is found.
 */
export function namedChecks({ fails, shownBy = [] }: Mutation): string[] {
  const areas = new Set([...shownBy, 'transcript'])
  const others = fails.filter((id) => areaOf(id) !== 'model')
  const named = others.length > 0 ? others : fails
  return everyCheck.filter((id) => named.includes(id) || (areas.has(areaOf(id)) && !slowChecks.includes(id)))
}

function areaOf(id: string): string {
  return id.slice(0, id.indexOf('.'))
}

/** A run waits for a driver that does not answer: short, so that a zoo is quickly seen. */
const timeScale = 0.2
const patientScales = [1, 3]

/** Chance is the same each time: what random sequences find of a broken driver they find always. */
const seed = 1

const program = join(repository, 'test/dist/programs/zoo.js')

type Options = Pick<ConformanceOptions, 'level' | 'only' | 'skip' | 'timeScale'> & {
  /** Directories above the socket. */
  readonly depth?: string
  readonly variant?: Partial<Variant>
}

/** The checks that it fails, by id, and those that could not be made. */
export type Verdict = { readonly failed: string[]; readonly undecided: string[] }

/** Of a driver in this process, which cannot be ended and started again. */
export async function verdictOn(
  behaviour: Behaviour,
  { depth = '', variant = {}, ...options }: Options = {},
): Promise<Verdict> {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, depth, 'zoo.sock')
  await mkdir(dirname(path), { recursive: true })
  await using driver = await ZooDriver.listen({ path, behaviour, variant })
  return await verdict({ level: 'upgradable', timeScale, ...options, seed, socketPath: driver.path })
}

/** Of a driver as a program. */
export async function verdictOnProgram(args: readonly string[], options: Options = {}): Promise<Verdict> {
  await using directory = await temporaryDirectory()
  const records = join(directory.path, 'records')
  const command = `exec ${process.execPath} ${program} --socket {socket} --records ${records} ${args.join(' ')}`
  return await verdict({ level: 'upgradable', timeScale: 1, seed, ...options, command })
}

/** Those of the checks that a broken driver fails, in the order of the alphabet. */
export function expectedOf({ fails, spoils = [] }: Mutation, only: readonly string[]): string[] {
  return [...fails, ...spoils].filter((id) => only.includes(id)).sort()
}

/** Of a broken driver; asked again with more patience if the machine, and not the driver, may have been slow. */
export async function failuresOf(mutation: Mutation, only: readonly string[]): Promise<string[]> {
  const expected = expectedOf(mutation, only)
  let failed = await attempt(mutation, only, timeScale)
  for (const scale of patientScales) {
    if (isSame(failed, expected)) break
    failed = await attempt(mutation, only, scale)
  }
  return failed
}

async function attempt(
  { name, change, where, of = {} }: Mutation,
  only: readonly string[],
  timeScale: number,
) {
  const depth = where === 'deep directory' ? 'deep/'.repeat(20) : ''
  const { failed } =
    where === 'program'
      ? await verdictOnProgram(['--mutation', name], { only })
      : await verdictOn(change(goodBehaviour()), { only, timeScale, depth, variant: of })
  return failed.sort()
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return JSON.stringify([...one].sort()) === JSON.stringify([...other].sort())
}

async function verdict(options: ConformanceOptions): Promise<Verdict> {
  const { checks } = await runConformance(options)
  const ids = (...statuses: string[]) =>
    checks.filter(({ status }) => statuses.includes(status)).map(({ id }) => id)
  // Whatever a driver does, the kit has a verdict.
  const broken = checks.find(({ status }) => status === 'error')
  if (broken !== undefined) throw new Error(`the kit failed in ${broken.id}: ${broken.message}`)
  return { failed: ids('fail', 'warn'), undecided: ids('untestable', 'not-applicable') }
}
