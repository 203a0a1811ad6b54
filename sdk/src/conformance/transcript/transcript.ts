// All that went over one connection, with times: what checks are judged by, and what a report shows.
import type { Json } from '../wire/strict-parser.ts'

/** One thing that happened on a connection. */
export type Entry = { readonly atMs: number } & (
  | { readonly kind: 'sent' | 'received'; readonly message: Json; readonly bytes: number }
  /** Bytes that the kit sent on purpose outside its own framing. */
  | { readonly kind: 'sentBytes'; readonly text: string; readonly bytes: number }
  /** What the driver sent that is no message. */
  | { readonly kind: 'fault'; readonly reason: string }
  | { readonly kind: 'opened' }
  | { readonly kind: 'ended'; readonly by: 'kit' | 'driver'; readonly reason: string }
  | { readonly kind: 'note'; readonly text: string }
)

type Happening = Entry extends infer E ? (E extends Entry ? Omit<E, 'atMs'> : never) : never

const mostText = 400

/** The record of one connection; it only grows. */
export class Transcript {
  /** Of the check that opened the connection. */
  readonly checkId: string
  /** Which connection of the run this is, from 1. */
  readonly connection: number
  readonly entries: Entry[] = []
  #isExcused = false

  constructor(checkId: string, connection: number) {
    this.checkId = checkId
    this.connection = connection
  }

  add(happening: Happening): void {
    this.entries.push({ atMs: performance.now(), ...happening })
  }

  addBytes(bytes: Buffer): void {
    const text = bytes.toString('latin1', 0, mostText)
    this.#isExcused = true
    this.add({ kind: 'sentBytes', text, bytes: bytes.length })
  }

  /** Messages of one direction, in order. */
  messages(kind: 'sent' | 'received'): MessageEntry[] {
    return this.entries.filter((entry): entry is MessageEntry => entry.kind === kind)
  }

  /** The kit broke the rules here, or ended the driver: the driver owes no more answers on this connection. */
  excuse(why: string): void {
    this.#isExcused = true
    this.add({ kind: 'note', text: why })
  }

  /** Whether requests that have no answer are the kit's own fault. */
  get isExcused(): boolean {
    return this.#isExcused
  }
}

export type MessageEntry = Extract<Entry, { kind: 'sent' | 'received' }>
