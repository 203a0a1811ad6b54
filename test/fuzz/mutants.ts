// Messages of the protocol with something wrong in them. A tame one has its envelope in order, so that its receiver must
// answer or ignore it and go on; a wild one may cost its connection, and nothing else.
import { encode, isJsonObject, type JsonObject } from '../zoo/wire.ts'
import { Chance } from './chance.ts'

export type Message = JsonObject & { readonly method: string }

const nested = (depth: number): unknown => (depth === 0 ? {} : [nested(depth - 1)])

const strangeValues: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '',
  'x',
  'x'.repeat(5_000),
  'a\u0000b',
  '\ud800',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  '10.0.0.0/99',
  'f'.repeat(64),
  [],
  {},
  [null],
  nested(500),
  Object.fromEntries(['toString', 'length', 'then'].map((key) => [key, {}])),
  Array.from({ length: 200 }, (_, number) => number),
]

const strangeKeys = [
  '__proto__',
  'constructor',
  'toString',
  '',
  'then',
  '_meta',
  'id',
  'method',
  'x'.repeat(300),
]

export class Mutants {
  readonly #chance: Chance
  readonly #corpus: readonly Message[]

  constructor(seed: number, corpus: readonly Message[]) {
    this.#chance = new Chance(seed)
    this.#corpus = corpus
  }

  /** Has one to three faults in its params, or in the name of its method. */
  tame(): Message {
    const { method, params, ...rest } = this.#chance.oneOf(this.#corpus)
    const strange = this.#chance.below(20)
    if (strange === 0) return { ...rest, method: this.#strangeMethod(method), params }
    if (strange === 1) return { ...rest, method, params: this.#chance.oneOf(strangeValues) }
    let changed = params
    for (let faults = 1 + this.#chance.below(3); faults > 0; faults -= 1) changed = this.#changed(changed)
    return { ...rest, method, params: changed }
  }

  /** The bytes of a message whose envelope, text or frame is wrong. */
  wild(): Buffer {
    const message = this.#chance.oneOf(this.#corpus)
    const change = this.#chance.oneOf([this.#envelope, this.#text, this.#header, this.#bytes, this.#bytes])
    return change.call(this, message)
  }

  #strangeMethod(method: string): string {
    return this.#chance.oneOf([
      `${method}/x`,
      method.toUpperCase(),
      `$/${method}`,
      'toString',
      '__proto__',
      'x'.repeat(256),
    ])
  }

  /** One value somewhere in it replaced, taken away or added. */
  #changed(value: unknown): unknown {
    if (this.#chance.below(4) === 0) return this.#chance.oneOf(strangeValues)
    if (Array.isArray(value)) {
      const at = this.#chance.below(value.length + 1)
      return value.toSpliced(at, 1, this.#changed(value[at]))
    }
    if (!isJsonObject(value)) return this.#chance.oneOf(strangeValues)
    const members = Object.entries(value)
    const kind = this.#chance.below(8)
    if (members.length === 0 || kind === 0) {
      return { ...value, [this.#chance.oneOf(strangeKeys)]: this.#chance.oneOf(strangeValues) }
    }
    const [key, member] = this.#chance.oneOf(members)
    if (kind === 1) return Object.fromEntries(members.filter(([name]) => name !== key))
    return { ...value, [key]: this.#changed(member) }
  }

  #envelope(message: Message): Buffer {
    const key = this.#chance.oneOf(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])
    return encode({ ...message, [key]: this.#chance.oneOf(strangeValues) })
  }

  #text(message: Message): Buffer {
    const text = JSON.stringify(message)
    const at = this.#chance.below(text.length)
    const strange = this.#chance.oneOf([
      '"',
      '{',
      ']',
      ',',
      '\\u',
      '\u0000',
      '1e999',
      ' '.repeat(1_000),
      '//',
      '\ufeff',
    ])
    const body = Buffer.from(text.slice(0, at) + strange + text.slice(at + this.#chance.below(3)))
    return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body])
  }

  #header(message: Message): Buffer {
    const text = JSON.stringify(message)
    const header = this.#chance.oneOf([
      'Content-Length: -1',
      'Content-Length: 1e3',
      `Content-Length: ${Number.MAX_SAFE_INTEGER}`,
      'Content-Length: 99999999',
      'Content-Length:',
      'content length: 3',
      `Content-Length: ${text.length}\r\nContent-Length: ${text.length}`,
      `X: ${'x'.repeat(9_000)}`,
      'X: 1\r\n'.repeat(20),
      '\u0000\u0001',
      'GET / HTTP/1.1',
      '',
    ])
    return Buffer.from(`${header}\r\n\r\n${text}`)
  }

  /** A few bytes of the frame are others, or it ends before its time. */
  #bytes(message: Message): Buffer {
    const bytes = encode(message)
    for (let faults = this.#chance.below(4); faults > 0; faults -= 1) {
      bytes[this.#chance.below(bytes.length)] = this.#chance.below(256)
    }
    return this.#chance.below(2) === 0 ? bytes : bytes.subarray(0, 1 + this.#chance.below(bytes.length))
  }
}
