// The rules of docs/protocol.md, as the package carries them: an author reads what is broken without looking it up.
import { readFileSync } from 'node:fs'

/** One rule of the protocol. */
export type ProtocolRule = {
  /** `FRM-1` */
  readonly id: string
  readonly level: 'MUST' | 'SHOULD'
  readonly binds: 'driver' | 'host' | 'both'
  readonly text: string
}

/** In the order of docs/protocol.md, from which the file is generated. */
export const protocolRules: readonly ProtocolRule[] = JSON.parse(
  readFileSync(new URL('../../../protocol.rules.json', import.meta.url), 'utf8'),
)

const lines = new Map(protocolRules.map(({ id, level, text }) => [id, `${id} (${level}) ${text}`]))

/** The rule as a line: `FRM-4 (MUST) Bytes may come in pieces …`. */
export function ruleLine(id: string): string {
  return lines.get(id) ?? id
}
