// The ports of the machine: who has which, and which is next in turn. In memory; each lease is on the record of its
// endpoint, from which it comes back after a restart.
import { isDeepStrictEqual } from 'node:util'
import type { PortMapping } from '@conet/sdk'
import { HeldPorts, type PortOwner, portsOf } from './held-ports.ts'
import { haveCommonAddress } from './host-addresses.ts'
import { type GivenPorts, keptOf } from './kept-ports.ts'
import {
  type ListeningPort,
  type Obstacle,
  type PoolUse,
  portInUse,
  portsExhausted,
} from './port-refusals.ts'
import type { PortWish } from './port-wishes.ts'

export type PoolRange = { readonly start: number; readonly size: number }

export type PortAssignment = {
  /** The endpoint's id. */
  readonly holder: string
  readonly wishes: readonly PortWish[]
  /** What it has now: a wish that stays keeps its ports. */
  readonly former?: GivenPorts | undefined
  /** Holders who change with this one, and what each will have: what they give up is free. */
  readonly changed?: ReadonlyMap<string, readonly PortMapping[]>
  readonly listening: readonly ListeningPort[]
  /** The path of the wishes in the request, for errors: `networks.blue.net_in`. */
  readonly at: string
}

export class PortPool {
  readonly #range: PoolRange
  readonly #describe: (holder: string) => string
  readonly #held = new HeldPorts()
  /** Freed, and not passed by the turn since. */
  readonly #resting = new Set<number>()
  #next: number

  /** `describe` names a holder for people: `endpoint 0123… of container web`. */
  constructor(range: PoolRange, describe: (holder: string) => string = (holder) => holder) {
    this.#range = range
    this.#describe = describe
    this.#next = range.start
  }

  /** Where the search goes on: store it, so that freed ports rest over a restart too. */
  get cursor(): number {
    return this.#next
  }

  set cursor(port: number) {
    this.#next = this.#isInPool(port) ? port : this.#range.start
  }

  /** Of the pool. */
  get usage(): PoolRange & { readonly used: number } {
    return { ...this.#range, used: this.#held.portsIn(this.#range.start, this.#last).size }
  }

  /** Every mapping that somebody has. */
  get mappings(): readonly PortMapping[] {
    return this.#held.mappings()
  }

  /** The holder has these from now on, whoever else does: they are on record. */
  hold(holder: string, mappings: readonly PortMapping[]): void {
    this.#held.add(holder, mappings)
  }

  /**
   * A mapping for each wish, held beside what the holder has already: end it with `keepOnly`, of these or of the former
   * ones. Throws `portInUse`, `portsExhausted` with the pool's use; then nothing more is held.
   */
  assign({ holder, wishes, former, changed, listening, at }: PortAssignment): PortMapping[] {
    const kept = keptOf(wishes, former)
    const given = kept.filter((mapping) => mapping !== undefined)
    const chosen = new Map<number, PortMapping>()
    const counts = (owner: PortOwner) => owner.holder !== holder && !isGivenUp(owner, changed)
    for (const [index, wish] of givenPortsFirst(wishes)) {
      const path = `${at}[${index}].host_port`
      const mapping = kept[index] ?? this.#choose(wish, { counts, wishes, given, listening, path })
      chosen.set(index, mapping)
      given.push(mapping)
    }
    const mappings = [...chosen].sort(([a], [b]) => a - b).map(([, mapping]) => mapping)
    this.#held.add(holder, mappings)
    return mappings
  }

  /** The holder has these and no others; what is free now rests. */
  keepOnly(holder: string, mappings: readonly PortMapping[]): void {
    const before = this.#held.remove(holder)
    this.#held.add(holder, mappings)
    const after = new Set(mappings.flatMap(portsOf))
    for (const port of before.flatMap(portsOf)) if (!after.has(port)) this.#rest(port)
  }

  /** May be repeated. */
  release(holder: string): void {
    this.keepOnly(holder, [])
  }

  #choose(wish: PortWish, request: Choice): PortMapping {
    const { protocol, count, hostAddress } = wish
    const hostPort = wish.hostPort === 0 ? this.#nextInTurn(wish, request) : this.#asked(wish, request)
    return {
      protocol,
      hostPort,
      containerPort: this.#containerPort(wish, hostPort),
      ...(count > 1 && { count }),
      ...(hostAddress !== undefined && { hostAddress }),
    }
  }

  #containerPort({ containerPort }: PortWish, hostPort: number): number {
    return containerPort === 0 ? hostPort : containerPort
  }

  #asked(wish: PortWish, request: Choice): number {
    for (let port = wish.hostPort; port < wish.hostPort + wish.count; port++) {
      const obstacle = this.#obstacleAt(port, wish, request)
      if (obstacle !== undefined) throw portInUse({ port, wish, obstacle }, request.path, this.#describe)
    }
    return wish.hostPort
  }

  /** The second time round nothing rests any more; what this change gives up itself comes last of all. */
  #nextInTurn(wish: PortWish, request: Choice): number {
    const beside = { ...request, counts: () => true }
    const first = this.#goRound(wish, beside) ?? this.#goRound(wish, beside) ?? this.#goRound(wish, request)
    if (first === undefined)
      throw portsExhausted(wish, request, { ...this.#range, ...this.#useFor(wish, request) })
    this.cursor = first + wish.count
    return first
  }

  #goRound(wish: PortWish, request: Choice): number | undefined {
    const { start, size } = this.#range
    let run = 0
    // Over the end of the pool no run goes on; so that one around the cursor is found, the round is longer by it.
    for (let step = 0; step < size + wish.count - 1; step++) {
      const port = start + ((this.#next - start + step) % size)
      if (port === start) run = 0
      const isFree = !this.#resting.delete(port) && this.#obstacleAt(port, wish, request) === undefined
      run = isFree ? run + 1 : 0
      if (run === wish.count) return port - wish.count + 1
    }
    return undefined
  }

  #obstacleAt(port: number, { protocol, hostAddress }: PortWish, request: Choice): Obstacle | undefined {
    const place = { protocol, port, address: hostAddress }
    const sibling = request.given.find((mapping) => coversPort(mapping, place))
    if (sibling !== undefined) return { sameDocument: true }
    const owner = this.#held.ownerOf(place, request.counts)
    if (owner !== undefined) return { owner }
    const listener = request.listening.find((one) => meets(one, place))
    return listener === undefined ? undefined : { listener }
  }

  #isInPool(port: number): boolean {
    return port >= this.#range.start && port <= this.#last
  }

  get #last(): number {
    return this.#range.start + this.#range.size - 1
  }

  #rest(port: number): void {
    if (this.#isInPool(port)) this.#resting.add(port)
  }

  /** Each port of the pool counts once: by what keeps it from this wish. */
  #useFor(wish: PortWish, request: Choice): PoolUse {
    const use = { used: 0, own: 0, listening: 0, free: 0 }
    for (let port = this.#range.start; port <= this.#last; port++) {
      const obstacle = this.#obstacleAt(port, wish, request)
      if (obstacle === undefined) use.free += 1
      else if ('sameDocument' in obstacle) use.own += 1
      else if ('owner' in obstacle) use.used += 1
      else use.listening += 1
    }
    return use
  }
}

type Choice = {
  readonly counts: (owner: PortOwner) => boolean
  /** All of the document. */
  readonly wishes: readonly PortWish[]
  /** For other wishes of the document. */
  readonly given: readonly PortMapping[]
  readonly listening: readonly ListeningPort[]
  readonly path: string
}

/** Who takes any port does not take one that a later wish names. */
function givenPortsFirst(wishes: readonly PortWish[]): [number, PortWish][] {
  const all = [...wishes.entries()]
  return [
    ...all.filter(([, { hostPort }]) => hostPort !== 0),
    ...all.filter(([, { hostPort }]) => hostPort === 0),
  ]
}

function isGivenUp(
  { holder, mapping }: PortOwner,
  changed: ReadonlyMap<string, readonly PortMapping[]> | undefined,
): boolean {
  return changed?.get(holder)?.every((kept) => !isDeepStrictEqual(kept, mapping)) ?? false
}

function coversPort(
  { protocol, hostPort, count = 1, hostAddress }: PortMapping,
  place: ListeningPort,
): boolean {
  const isInside = place.port >= hostPort && place.port < hostPort + count
  return isInside && meets({ protocol, port: place.port, address: hostAddress }, place)
}

function meets(one: ListeningPort, other: ListeningPort): boolean {
  const isSamePort = one.protocol === other.protocol && one.port === other.port
  return isSamePort && haveCommonAddress(one.address, other.address)
}
