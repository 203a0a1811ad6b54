// A map in a file, which outlives the process and which two processes see.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

/** Reads the whole at each look and writes the whole at each change: it is small. */
export class SharedMap<V> extends Map<string, V> {
  readonly #path: string
  readonly #parse: (value: unknown) => V

  constructor(path: string, parse: (value: unknown) => V) {
    super()
    this.#path = path
    this.#parse = parse
  }

  override get size(): number {
    return this.#load().length
  }

  override has(key: string): boolean {
    this.#load()
    return super.has(key)
  }

  override get(key: string): V | undefined {
    this.#load()
    return super.get(key)
  }

  override set(key: string, value: V): this {
    const others = this.#load().filter(([known]) => known !== key)
    this.#save([...others, [key, value]])
    return this
  }

  override delete(key: string): boolean {
    const entries = this.#load()
    this.#save(entries.filter(([known]) => known !== key))
    return entries.some(([known]) => known === key)
  }

  override clear(): void {
    this.#save([])
  }

  override entries(): MapIterator<[string, V]> {
    this.#load()
    return super.entries()
  }

  override keys(): MapIterator<string> {
    this.#load()
    return super.keys()
  }

  override values(): MapIterator<V> {
    this.#load()
    return super.values()
  }

  override [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries()
  }

  #load(): [string, V][] {
    const entries = this.#read().map(([key, value]): [string, V] => [key, this.#parse(value)])
    super.clear()
    for (const [key, value] of entries) super.set(key, value)
    return entries
  }

  #read(): [string, unknown][] {
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8'))
    } catch {
      // Nobody has written yet.
      return []
    }
  }

  /** In one step: the process may be killed at any moment. */
  #save(entries: readonly [string, V][]): void {
    const draft = `${this.#path}.${process.pid}`
    writeFileSync(draft, JSON.stringify(entries))
    renameSync(draft, this.#path)
  }
}
