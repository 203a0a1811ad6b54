// What a broken driver of the zoo is: the good one with one part replaced.
import type { InitializeResult } from '@conet/sdk'
import type { Behaviour, Variant } from '../behaviour.ts'
import type { Method, ZooMethod } from '../methods.ts'

export type Mutation = {
  readonly name: string
  /** What it does wrong, as a sentence about the driver. */
  readonly does: string
  /** The conformance checks that it fails. */
  readonly fails: readonly string[]
  /** The other ones: they need what it has broken, have other things to find out, and are not proven by it. */
  readonly spoils?: readonly string[]
  /** Areas whose checks bring it to light, where they pass; those of `fails` always do. */
  readonly shownBy?: readonly string[]
  /** `program`: only checks that end its process show it. */
  readonly where?: 'program' | 'deep directory'
  /** Which kind of good driver it was. */
  readonly of?: Partial<Variant>
  /** What a host's log says of it; absent: what a host does in a day does not show it. */
  readonly hostLogs?: RegExp
  /** The one change. */
  change(good: Behaviour): Behaviour
}

/** The good driver with some parts replaced. */
export function parts(change: (good: Behaviour) => Partial<Behaviour>): Mutation['change'] {
  return (good) => ({ ...good, ...change(good) })
}

/** The good driver that says something else of itself. */
export function introducedWith(change: (introduction: InitializeResult) => object): Mutation['change'] {
  return parts(({ introduce }) => ({
    introduce: (driver, version) => {
      const introduction = introduce(driver, version)
      return { ...introduction, ...change(introduction) }
    },
  }))
}

/** The good driver with one method replaced; the change gets the good one. */
export function method<M extends ZooMethod>(
  name: M,
  change: (good: Method<M>, behaviour: Behaviour) => Method<M>,
): Mutation['change'] {
  return (good) => ({ ...good, methods: { ...good.methods, [name]: change(good.methods[name], good) } })
}
