// What somebody saw to be amiss: to be shown until he sees otherwise, or it is mended. Looks take time and overlap, so one that
// began before another says nothing after it, and none says anything of what was mended while it looked.

export type Look = Disposable & {
  /** By id why it is not as it should be: all there is, instead of what was found before. */
  found(reasons: ReadonlyMap<string, string>): void
}

export class SeenTroubles {
  /** By who looks: the number of the look, and what it found by id. */
  readonly #seen = new Map<string, { number: number; reasons: Map<string, string> }>()
  /** Looks under way, and what was mended meanwhile. */
  readonly #mendedDuring = new Set<Set<string>>()
  #last = 0

  look(source: string): Look {
    const number = ++this.#last
    const mended = new Set<string>()
    this.#mendedDuring.add(mended)
    return {
      found: (reasons) => {
        if ((this.#seen.get(source)?.number ?? 0) > number) return
        const left = [...reasons].filter(([id]) => !mended.has(id))
        this.#seen.set(source, { number, reasons: new Map(left) })
      },
      [Symbol.dispose]: () => {
        this.#mendedDuring.delete(mended)
        if (this.#mendedDuring.size === 0) this.#forgetEmpty()
      },
    }
  }

  troubleOf(id: string): string | undefined {
    for (const { reasons } of this.#seen.values()) if (reasons.has(id)) return reasons.get(id)
    return undefined
  }

  /** It is well, or gone. */
  mended(id: string): void {
    for (const { reasons } of this.#seen.values()) reasons.delete(id)
    for (const mended of this.#mendedDuring) mended.add(id)
  }

  /** Nobody looks who could have begun before. */
  #forgetEmpty(): void {
    for (const [source, { reasons }] of this.#seen) if (reasons.size === 0) this.#seen.delete(source)
  }
}
