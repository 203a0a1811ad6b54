// One run against one driver: its checks one after the other, and what was said judged along the way.
import { type ActiveCheck, areaOf, type Check, isTranscriptCheck } from '../checks/check.ts'
import { allChecks } from '../checks/index.ts'
import { CheckContext } from '../context/check-context.ts'
import { Objects, Subnets } from '../context/objects.ts'
import { Random } from '../context/random.ts'
import { evidenceOf } from '../report/evidence.ts'
import type { CheckResult, Evidence, Report } from '../report/report.ts'
import { Transcript } from '../transcript/transcript.ts'
import { type Patience, patienceOf } from '../wire/patience.ts'
import { assertUsable } from './assert-usable.ts'
import { DriverUnderTest, minimalIntroduction } from './driver-under-test.ts'
import { Judgements } from './judgements.ts'
import type { ConformanceOptions } from './options.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { reproduction } from './reproduction.ts'
import { type ActiveOutcome, runActiveCheck } from './run-active-check.ts'
import { ordered, type Selected, select } from './selection.ts'
import { summary } from './summary.ts'
import { WaitingChecks } from './waiting-checks.ts'

type Ending = Outcome & { readonly evidence: readonly Evidence[]; readonly notes: readonly string[] }
/** How a check that did something ended, and what was said meanwhile. */
type Attempt = Ending & { readonly transcripts: readonly Transcript[]; readonly sinceMs: number }

type AttemptOptions = { readonly signal: AbortSignal | undefined; readonly isBesideOthers?: boolean }

/** Checks that begin before the handshake; others have nobody to talk to when it fails. */
const areasWithoutIntroduction: readonly string[] = [
  'socket',
  'framing',
  'handshake',
  'capabilities',
  'transcript',
]

/** A run, check by check, for those who want to hold the reins; `runConformance` is the usual way. */
export class ConformanceRun implements AsyncDisposable {
  /** In the order in which they are to be run: those that judge transcripts come last. */
  readonly selected: readonly Selected[]
  readonly seed: number
  readonly #driver: DriverUnderTest
  readonly #options: ConformanceOptions
  readonly #subnets = new Subnets()
  readonly #judgements: Judgements
  readonly #patience: Patience
  readonly #results: CheckResult[] = []
  readonly #startedAt = new Date()
  readonly #since = performance.now()
  readonly #signal: AbortSignal | undefined
  readonly #waiting: WaitingChecks<Attempt>
  #connections = 0

  private constructor(driver: DriverUnderTest, options: ConformanceOptions, signal?: AbortSignal) {
    this.#driver = driver
    this.#options = options
    this.#signal = signal
    this.seed = options.seed ?? Math.floor(Math.random() * 2 ** 31)
    this.selected = ordered(select(allChecks, options))
    const { timeScale = 1 } = options
    this.#judgements = new Judgements(allChecks, timeScale)
    this.#patience = patienceOf(timeScale)
    this.#waiting = new WaitingChecks(driver.target)
  }

  /**
   * Starts the driver if need be. Rejects with a UsageError, with DriverUnreachable, or with the signal's reason. The
   * signal also ends the check that is under way later: the run itself is the caller's to dispose of.
   */
  static async open(options: ConformanceOptions, signal?: AbortSignal): Promise<ConformanceRun> {
    assertUsable(options)
    const run = new ConformanceRun(await DriverUnderTest.open(options, signal), options, signal)
    try {
      await run.#beginWaiting()
      return run
    } catch (error) {
      await run[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Runs one check, or passes judgement; never rejects for what a driver does. */
  async run({ check, isDisabled }: Selected): Promise<CheckResult> {
    const since = performance.now()
    const ending = isDisabled ? disabled : await this.#ending(check)
    const result = this.#resultOf(check, ending, performance.now() - since)
    this.#results.push(result)
    return result
  }

  /** Of what has been run so far. */
  report(): Report {
    const { level = 'robust', timeScale = 1 } = this.#options
    const { target, introduction } = this.#driver
    return summary({
      results: this.#results,
      driver: introduction?.driver ?? null,
      target: target.description,
      level,
      seed: this.seed,
      timeScale,
      startedAt: this.#startedAt,
      durationMs: performance.now() - this.#since,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#waiting.giveUp()
    await this.#driver[Symbol.asyncDispose]()
  }

  /** Checks that mostly wait, if there are others to run meanwhile, and the driver serves those too. */
  async #beginWaiting(): Promise<void> {
    const active = this.selected.flatMap(({ check, isDisabled }) =>
      isDisabled || isTranscriptCheck(check) ? [] : [check],
    )
    const patient = active.filter(({ mostlyWaits }) => mostlyWaits === true)
    const isAlone = patient.length === active.length
    if (patient.length === 0 || isAlone || this.#driver.introduction === undefined) return
    this.#waiting.begin(patient, (check, signal) =>
      this.#attempt(check, { signal: eitherOf(signal, this.#signal), isBesideOthers: true }),
    )
    if (!(await this.#driver.isServing(this.#signal))) await this.#waiting.giveUp()
  }

  async #ending(check: Check): Promise<Ending> {
    if (isTranscriptCheck(check)) {
      const evidence = this.#judgements.evidenceOf(check)
      return { ...this.#judgements.outcomeOf(check), evidence, notes: [] }
    }
    const { stranger } = this.#driver
    if (stranger !== undefined && !areasWithoutIntroduction.includes(areaOf(check))) {
      return { ...outcomeOf(stranger, 'must'), evidence: [], notes: [] }
    }
    if (check.needs?.includes('command')) await this.#waiting.settled()
    const attempt =
      (await this.#waiting.passOf(check)) ?? (await this.#attempt(check, { signal: this.#signal }))
    const { transcripts, sinceMs, ...ending } = attempt
    this.#judgements.judge(transcripts, sinceMs)
    return ending
  }

  async #attempt(check: ActiveCheck, options: AttemptOptions): Promise<Attempt> {
    const sinceMs = performance.now()
    const transcripts: Transcript[] = []
    const { endedAtMs: untilMs, notes, ...outcome } = await this.#runActive(check, transcripts, options)
    const isShown = outcome.status === 'fail' || outcome.status === 'warn' || outcome.status === 'error'
    const evidence = isShown ? evidenceOf(transcripts, { sinceMs, untilMs }) : []
    return { ...outcome, evidence, notes, transcripts, sinceMs }
  }

  async #runActive(
    check: ActiveCheck,
    transcripts: Transcript[],
    { signal, isBesideOthers = false }: AttemptOptions,
  ): Promise<ActiveOutcome> {
    const revive = () => this.#driver.revive()
    try {
      await revive()
    } catch (error) {
      return { ...outcomeOf(error, 'must'), endedAtMs: performance.now(), notes: [] }
    }
    const kit = this.#contextOf(check, transcripts, isBesideOthers)
    return runActiveCheck(check, kit, { revive, signal })
  }

  #contextOf({ id }: Check, transcripts: Transcript[], isBesideOthers: boolean): CheckContext {
    const { timeScale = 1, networkConfig = {}, attachmentOptions = {}, path, replayPath } = this.#options
    const introduction = this.#driver.introduction ?? minimalIntroduction
    const random = new Random(this.seed, id)
    const objects = new Objects({
      random,
      subnets: this.#subnets,
      documents: { config: networkConfig, options: attachmentOptions },
      isOwnIpam: introduction.capabilities.ipam === 'driver',
      segments: introduction.capabilities.segments,
    })
    const property = {
      seed: this.seed,
      ...(path !== undefined && { path }),
      ...(replayPath !== undefined && { replayPath }),
    }
    const newTranscript = () => {
      this.#connections += 1
      const transcript = new Transcript(id, this.#connections)
      transcripts.push(transcript)
      return transcript
    }
    const { target } = this.#driver
    const patience = this.#patience
    return new CheckContext({
      patience,
      target,
      introduction,
      objects,
      random,
      property,
      scale: timeScale,
      isBesideOthers,
      newTranscript,
    })
  }

  #resultOf(check: Check, { evidence, notes, replay, ...outcome }: Ending, durationMs: number): CheckResult {
    const { id, title, level, severity = 'must', rules, why, mend } = check
    const reason = this.#options.expectedFailures?.[id]
    return {
      ...{ id, area: areaOf(check), title, level, severity, rules, why, mend },
      ...outcome,
      ...(reason !== undefined && { expectedFailure: reason }),
      durationMs: Math.round(durationMs),
      reproduce: reproduction({ id, seed: this.seed, replay }, this.#options),
      notes,
      evidence,
    }
  }
}

const disabled: Ending = { status: 'disabled', message: 'left out by --skip', evidence: [], notes: [] }

function eitherOf(one: AbortSignal, other: AbortSignal | undefined): AbortSignal {
  return other === undefined ? one : AbortSignal.any([one, other])
}

/** Who looks on while a run goes, and may end it. */
export type RunListener = {
  /** Hears each result as it comes. */
  onResult?(result: CheckResult, done: number, total: number): void
  /** Ends the check that is under way, takes away what it asked for, and ends a driver that the kit has started. */
  readonly signal?: AbortSignal
}

/**
 * Runs all that is selected, and ends what it has started. Rejects with a UsageError, with DriverUnreachable, or with
 * the reason of the signal. Runs against different drivers may go side by side.
 */
export async function runConformance(
  options: ConformanceOptions,
  listener: RunListener = {},
): Promise<Report> {
  const { signal } = listener
  await using run = await ConformanceRun.open(options, signal)
  for (const [index, selected] of run.selected.entries()) {
    signal?.throwIfAborted()
    const result = await run.run(selected)
    signal?.throwIfAborted()
    listener.onResult?.(result, index + 1, run.selected.length)
  }
  return run.report()
}
