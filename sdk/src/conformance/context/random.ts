// Chance that can be repeated: everything that a check makes up comes out of the seed and the check's id.

/** Mulberry32: small, quick, good enough for names and sizes. */
export class Random {
  #state: number

  constructor(seed: number, salt: string) {
    this.#state = seed >>> 0
    for (const character of salt) this.#state = (Math.imul(this.#state, 31) + character.charCodeAt(0)) >>> 0
  }

  /** A whole number from 0 to 2³² − 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** From 0 to `size` − 1. */
  below(size: number): number {
    return this.next() % size
  }

  /** That many hexadecimal digits. */
  hex(digits: number): string {
    let text = ''
    while (text.length < digits) text += this.next().toString(16).padStart(8, '0')
    return text.slice(0, digits)
  }
}
