// Ports that move from one endpoint to another in one change: who gives one up comes before who takes it, for the pool and
// for drivers, which map a port once.
import type { PortMapping } from '@conet/sdk'
import type { PortWish } from './port-wishes.ts'

type Mover = {
  readonly held: readonly PortMapping[]
  readonly wishes: readonly PortWish[]
}

/** In the order given, but for those that must wait. Two that want each other's ports stay as they are, and will be refused. */
export function giversFirst<S>(steps: readonly S[], moverOf: (step: S) => Mover): S[] {
  const waiting = steps.map((step) => ({ step, ...moverOf(step) }))
  const ordered: S[] = []
  while (waiting.length > 0) {
    const free = waiting.findIndex((one) => waiting.every((other) => other === one || !wants(one, other)))
    ordered.push(...waiting.splice(Math.max(free, 0), 1).map(({ step }) => step))
  }
  return ordered
}

function wants({ wishes }: Mover, { held }: Mover): boolean {
  return wishes.some((wish) => wish.hostPort !== 0 && held.some((mapping) => meets(wish, mapping)))
}

function meets(wish: PortWish, { protocol, hostPort, count = 1 }: PortMapping): boolean {
  const isApart = wish.hostPort >= hostPort + count || hostPort >= wish.hostPort + wish.count
  return wish.protocol === protocol && !isApart
}
