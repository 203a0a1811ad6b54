// What the transcript checks have found so far. Transcripts are judged as soon as their check is over, and let go.
import { type Check, type Finding, isTranscriptCheck, type TranscriptCheck } from '../checks/check.ts'
import { Violation } from '../checks/verdicts.ts'
import { evidenceOf } from '../report/evidence.ts'
import type { Evidence } from '../report/report.ts'
import type { Transcript } from '../transcript/transcript.ts'
import { type Outcome, outcomeOf, passed } from './outcome.ts'

type Judgement = {
  readonly findings: (Finding & { readonly checkId: string })[]
  readonly evidence: Evidence[]
}

const mostEvidence = 5

export class Judgements {
  readonly #checks: readonly TranscriptCheck[]
  readonly #scale: number
  readonly #judgements = new Map<string, Judgement>()

  constructor(checks: readonly Check[], scale: number) {
    this.#checks = checks.filter(isTranscriptCheck)
    this.#scale = scale
  }

  judge(transcripts: readonly Transcript[], sinceMs: number): void {
    for (const transcript of transcripts) {
      for (const check of this.#checks) {
        const findings = check.judge(transcript, this.#scale)
        if (findings.length > 0) this.#note(check, transcript, findings, sinceMs)
      }
    }
  }

  outcomeOf({ id, severity = 'must' }: TranscriptCheck): Outcome {
    const findings = this.#judgements.get(id)?.findings ?? []
    const [first] = findings
    if (first === undefined) return passed
    const others = findings.length > 1 ? ` (and ${findings.length - 1} more)` : ''
    const message = `in ${first.checkId}: ${first.message}${others}`
    return outcomeOf(new Violation(message, { found: first.found }), severity)
  }

  evidenceOf({ id }: TranscriptCheck): readonly Evidence[] {
    return this.#judgements.get(id)?.evidence ?? []
  }

  #note(check: TranscriptCheck, transcript: Transcript, findings: readonly Finding[], sinceMs: number): void {
    const judgement = this.#judgements.get(check.id) ?? { findings: [], evidence: [] }
    this.#judgements.set(check.id, judgement)
    judgement.findings.push(...findings.map((finding) => ({ ...finding, checkId: transcript.checkId })))
    if (judgement.evidence.length < mostEvidence)
      judgement.evidence.push(...evidenceOf([transcript], { sinceMs }))
  }
}
