// What a check is. One object says everything about it: reports, `explain` and the runner read nothing else.
import type { InitializeResult } from '../../protocol/index.ts'
import type { CheckContext } from '../context/check-context.ts'
import type { Transcript } from '../transcript/transcript.ts'

/** Each level includes those before it. What needs `--command` is `resilient` at least, so that `--socket` can reach `robust`. */
export const levels = ['core', 'robust', 'resilient', 'upgradable'] as const
/** How much a driver stands. */
export type Level = (typeof levels)[number]

/** `must`: a driver that breaks it fails. `should`: a warning. */
export type Severity = 'must' | 'should'

/** What only some drivers offer; a check with a profile is run when the driver advertises it. */
export const profiles = {
  probe: ({ capabilities }) => capabilities.methods.includes('driver/probe'),
  drain: ({ capabilities }) => capabilities.methods.includes('driver/drain'),
  hotUpgrade: ({ capabilities }) => capabilities.hotUpgrade === true,
  plugCreates: ({ capabilities }) => capabilities.plugCreates === true,
  privateSandbox: ({ capabilities }) => capabilities.sandbox === 'private',
  peers: ({ capabilities }) => capabilities.methods.includes('network/peers'),
  policy: ({ capabilities }) => capabilities.methods.includes('endpoint/policy'),
  policyCheck: ({ capabilities }) => capabilities.methods.includes('policy/check'),
  ports: ({ capabilities }) => capabilities.ports !== undefined,
  stats: ({ capabilities }) => capabilities.methods.includes('endpoint/stats'),
  ownIpam: ({ capabilities }) => capabilities.ipam === 'driver',
  configSchema: ({ configSchema }) => configSchema !== undefined,
} as const satisfies Record<string, (introduction: InitializeResult) => boolean>
/** What a driver may offer beyond the core. */
export type Profile = keyof typeof profiles

/** What must be there beside the driver; without it the check is `untestable`. */
export type Need = 'command' | 'root'

type Explanation = {
  /** `area.what-is-checked`, never reused: programs and lists of expected failures name it. */
  readonly id: string
  /** A sentence that is true of a driver that passes. */
  readonly title: string
  readonly level: Level
  /** Default `must`. */
  readonly severity?: Severity
  /** Ids of the rules of docs/protocol.md that it holds the driver to. */
  readonly rules: readonly string[]
  /** Why it matters to those who run the driver. */
  readonly why: string
  /** Where to look when it fails. */
  readonly mend: string
}

/** A check that does something with the driver, and throws a Violation when the driver breaks a rule. */
export type ActiveCheck = Explanation & {
  readonly profile?: Profile
  readonly needs?: readonly Need[]
  /** What the kit sends, or does; the handshake of a connection is not mentioned. */
  readonly sends: string
  /** How long it may take, before the time scale; default 20 s. */
  readonly limitMs?: number
  /** It waits for seconds on a connection of its own, and asks for nothing: other checks run meanwhile. */
  readonly mostlyWaits?: true
  run(kit: CheckContext): Promise<void>
}

/** A broken rule that a transcript shows. */
export type Finding = { readonly message: string; readonly found?: unknown }

/** A check that looks at everything that was said during the run, connection by connection, whatever checks did there. */
export type TranscriptCheck = Explanation & {
  readonly profile?: undefined
  readonly needs?: undefined
  readonly sends?: undefined
  /** Pure. Times of the kit's own patience are multiplied by `scale`. */
  judge(transcript: Transcript, scale: number): readonly Finding[]
}

/** A check: its id, what it asks of a driver and why, and the code that finds out. */
export type Check = ActiveCheck | TranscriptCheck

/** Whether a check does nothing of its own, and judges what was said while the others ran. */
export function isTranscriptCheck(check: Check): check is TranscriptCheck {
  return 'judge' in check
}

/** The part of the id before the dot. */
export function areaOf({ id }: Check): string {
  return id.slice(0, id.indexOf('.'))
}
