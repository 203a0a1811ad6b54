// The ports of the machine: who has which, and which is next in turn. In memory; each lease is on the record of its
// endpoint, from which it comes back after a restart.
import { isDeepStrictEqual } from 'node:util'
import { ConetError, type PortMapping } from '@conet/sdk'
import { HeldPorts, type PortOwner } from './held-ports.ts'
import type { PortWish } from './port-wishes.ts'

export type PoolRange = { readonly start: number; readonly size: number }

/** A port on which a process of the machine listens, or that it has bound. Address undefined: all addresses. */
export type ListeningPort = {
  readonly protocol: PortMapping['protocol']
  readonly port: number
  readonly address: string | undefined
}

/** What an endpoint asked for, and what it got for that. */
export type GivenPorts = { readonly wishes: readonly PortWish[]; readonly mappings: readonly PortMapping[] }

export type PortAssignment = {
  /** The endpoint's id. */
  readonly holder: string
  readonly wishes: readonly PortWish[]
  /** What it has now: a wish that stays keeps its ports. */
  readonly former?: GivenPorts | undefined
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
  assign({ holder, wishes, former, listening, at }: PortAssignment): PortMapping[] {
    const kept = keptOf(wishes, former)
    const given = kept.filter((mapping) => mapping !== undefined)
    const mappings: PortMapping[] = []
    for (const [index, wish] of wishes.entries()) {
      const path = `${at}[${index}].host_port`
      const mapping = kept[index] ?? this.#choose(wish, { holder, given, listening, path })
      mappings.push(mapping)
      given.push(mapping)
    }
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
      if (obstacle !== undefined) throw this.#inUse({ port, wish, obstacle }, request.path)
    }
    return wish.hostPort
  }

  /** The second time round nothing rests any more. */
  #nextInTurn(wish: PortWish, request: Choice): number {
    const first = this.#goRound(wish, request) ?? this.#goRound(wish, request)
    if (first === undefined) throw this.#exhausted(wish, request)
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
    const owner = this.#held.ownerOf(place, request.holder)
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

  #inUse(
    { port, wish, obstacle }: { port: number; wish: PortWish; obstacle: Obstacle },
    path: string,
  ): ConetError {
    const { protocol } = wish
    const why = this.#reasonOf(obstacle)
    return new ConetError('portInUse', `give out port ${protocol} ${port}: ${why}`, {
      fields: [{ path, message: `${protocol} ${port}: ${why}` }],
      details: { protocol, port, ...('owner' in obstacle && { endpointId: obstacle.owner.holder }) },
    })
  }

  #reasonOf(obstacle: Obstacle): string {
    if ('sameDocument' in obstacle) return 'the same document asks for it twice'
    if ('owner' in obstacle) return `${this.#describe(obstacle.owner.holder)} has it`
    const { address = 'all addresses' } = obstacle.listener
    return `a process of the machine has it (${address})`
  }

  #exhausted({ protocol, count }: PortWish, { listening, path }: Choice): ConetError {
    const { start, size, used } = this.usage
    const last = this.#last
    const ofProcesses = new Set(
      listening
        .filter((one) => one.protocol === protocol && this.#isInPool(one.port))
        .map(({ port }) => port),
    ).size
    const wanted = count === 1 ? 'a port' : `${count} ports in a row`
    const use = `${used} of ${size} are endpoints’, ${ofProcesses} are taken by processes of the machine`
    return new ConetError('portsExhausted', `give out ${wanted} of ${start}-${last}: ${use}`, {
      fields: [{ path, message: `the pool ${start}-${last} has not ${wanted} free` }],
      details: { first: start, last, size, used, listening: ofProcesses, protocol, count },
    })
  }
}

type Choice = {
  readonly holder: string
  /** For other wishes of the document. */
  readonly given: readonly PortMapping[]
  readonly listening: readonly ListeningPort[]
  readonly path: string
}

type Obstacle =
  | { readonly sameDocument: true }
  | { readonly owner: PortOwner }
  | { readonly listener: ListeningPort }

/** For each wish, what its like has got before. */
function keptOf(wishes: readonly PortWish[], former: GivenPorts | undefined): (PortMapping | undefined)[] {
  const left = former?.wishes.map((wish, index) => ({ wish, mapping: former.mappings[index] })) ?? []
  return wishes.map((wish) => {
    const same = left.findIndex((one) => isDeepStrictEqual(one.wish, wish))
    return same < 0 ? undefined : left.splice(same, 1)[0]?.mapping
  })
}

function portsOf({ hostPort, count = 1 }: PortMapping): number[] {
  return Array.from({ length: count }, (_, index) => hostPort + index)
}

function coversPort(
  { protocol, hostPort, count = 1, hostAddress }: PortMapping,
  place: ListeningPort,
): boolean {
  const isInside = place.port >= hostPort && place.port < hostPort + count
  return isInside && meets({ protocol, port: place.port, address: hostAddress }, place)
}

/** All addresses meet each one. */
function meets(one: ListeningPort, other: ListeningPort): boolean {
  if (one.protocol !== other.protocol || one.port !== other.port) return false
  return one.address === undefined || other.address === undefined || one.address === other.address
}
