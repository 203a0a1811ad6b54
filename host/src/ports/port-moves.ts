// Ports that move between endpoints in one change: who gives one up comes before who takes it, for the pool and for drivers,
// which map a port once.
import type { PortMapping } from '@conet/sdk'
import { haveCommonAddress } from './host-addresses.ts'
import type { PortWish } from './port-wishes.ts'

type Mover = {
  readonly held: readonly PortMapping[]
  /** What it will have still. */
  readonly staying: readonly PortMapping[]
  readonly wishes: readonly PortWish[]
}

/** `isRelease`: the step only gives up what does not stay; it comes once more, to take what it wants. */
export type Move<S> = { readonly step: S; readonly isRelease: boolean }

type Waiting<S> = Mover & { readonly step: S; readonly isReleased: boolean }

/** In the order given, but for those that must wait. Of some that want each other's ports one gives up its own first. */
export function giversFirst<S>(steps: readonly S[], moverOf: (step: S) => Mover): Move<S>[] {
  const waiting: Waiting<S>[] = steps.map((step) => ({ step, ...moverOf(step), isReleased: false }))
  const moves: Move<S>[] = []
  while (waiting.length > 0) {
    const free = waiting.findIndex((one) => waiting.every((other) => other === one || !wants(one, other)))
    const giver = free < 0 ? waiting.findIndex((one) => mayGive(one, waiting)) : -1
    const [next] = waiting.splice(Math.max(free, giver, 0), 1)
    if (next === undefined) break
    moves.push({ step: next.step, isRelease: giver >= 0 })
    if (giver >= 0) waiting.splice(giver, 0, { ...next, held: next.staying, isReleased: true })
  }
  return moves
}

function mayGive<S>(one: Waiting<S>, all: readonly Waiting<S>[]): boolean {
  const isAsked = all.some((other) => other !== one && wants(other, one))
  return isAsked && !one.isReleased && one.staying.length < one.held.length
}

function wants({ wishes }: Mover, { held }: Mover): boolean {
  return wishes.some((wish) => wish.hostPort !== 0 && held.some((mapping) => meets(wish, mapping)))
}

function meets(wish: PortWish, { protocol, hostPort, count = 1, hostAddress }: PortMapping): boolean {
  const isApart = wish.hostPort >= hostPort + count || hostPort >= wish.hostPort + wish.count
  return wish.protocol === protocol && !isApart && haveCommonAddress(wish.hostAddress, hostAddress)
}
