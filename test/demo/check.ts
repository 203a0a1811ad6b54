// A check of the demo, and its failure: what was looked at, what should have been there, what was.

export type Check = { readonly what: string; readonly expected: string; readonly found: string }

export class CheckFailed extends Error implements Check {
  override readonly name = 'CheckFailed'
  readonly what: string
  readonly expected: string
  readonly found: string

  constructor({ what, expected, found }: Check) {
    super(`${what}\n  expected: ${expected}\n  found:    ${found}`)
    this.what = what
    this.expected = expected
    this.found = found
  }
}
