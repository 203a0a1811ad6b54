// Of two endpoints that claim one MAC or address, the one steps back whose node does not have the claim: as where a host was
// fenced that still ran, and the store has lost the word of it. The store decides, and only between nodes that live and have
// put back what they have: what an older copy says of others is no reason.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Backoff } from '../retry/backoff.ts'
import type { Dispute } from './contest-winners.ts'
import { keys } from './keys.ts'
import type { BlockOfSubnet } from './network-grid.ts'
import { nodeOf } from './network-peers.ts'
import { isBack } from './own-progress.ts'
import { reader, SharedBlock, SharedMac, SharedMember, SharedNode } from './records.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

export type StepBackOptions = {
  readonly store: Pick<SharedStore, 'get'>
  readonly networkId: string
  /** What endpoints of this node and of others both claim, as far as is known. */
  disputes(): Iterable<Dispute>
  /** The block of an address; undefined for what is none, or in no subnet. */
  blockOf(claim: string): BlockOfSubnet | undefined
  /** Resolves when what this node has is in the store. */
  assureWhole(): Promise<void>
  /** Keys of endpoints of this node that have what is another's: they are to let it go. */
  lost(keys: readonly string[]): void
  /** An operator has removed the node, and it has not found out: what it has put back is not its own. */
  isRemoved(node: SharedNode): boolean
  readonly log: Pick<Logger, 'debug'>
  readonly signal: AbortSignal
  /** For a claim that is just changing hands. */
  readonly patienceMs?: number
}

const defaultPatienceMs = 3_000
const mostMs = 10_000

const readBlock = reader(SharedBlock)
const readMac = reader(SharedMac)
const readMember = reader(SharedMember)
const readNode = reader(SharedNode)

export class StepBack {
  readonly #options: StepBackOptions
  #isRunning = false

  constructor(options: StepBackOptions) {
    this.#options = options
  }

  /** Endpoints or blocks have changed. */
  look(): void {
    const [dispute] = this.#options.disputes()
    if (dispute === undefined || this.#isRunning) return
    this.#isRunning = true
    void this.#follow().finally(() => {
      this.#isRunning = false
    })
  }

  /** Until nothing is in dispute. */
  async #follow(): Promise<void> {
    const { signal, disputes, lost, log, patienceMs: firstMs = defaultPatienceMs } = this.#options
    const backoff = new Backoff({ firstMs, mostMs })
    for (;;) {
      await sleep(backoff.nextMs(), undefined, { signal, ref: false }).catch(() => undefined)
      const found = [...disputes()]
      if (signal.aborted || found.length === 0) return
      try {
        const losers = await this.#losers(found, { signal })
        if (losers.length > 0) lost(losers)
      } catch (err) {
        log.debug({ err }, 'cluster: it is not known yet whose an address is that two endpoints have')
      }
    }
  }

  async #losers(found: readonly Dispute[], limits: CallLimits): Promise<string[]> {
    await this.#options.assureWhole()
    const losers = new Set<string>()
    for (const dispute of found)
      if (!losers.has(dispute.own) && (await this.#isLost(dispute, limits))) losers.add(dispute.own)
    return [...losers]
  }

  async #isLost({ claim, rival }: Dispute, limits: CallLimits): Promise<boolean> {
    const node = nodeOf(rival)
    if ((await this.#ownerOf(claim, limits)) !== node) return false
    return (await this.#claims(rival, claim, limits)) && (await this.#isThere(node, limits))
  }

  async #ownerOf(claim: string, limits: CallLimits): Promise<string | undefined> {
    const { store, networkId, blockOf } = this.#options
    const block = blockOf(claim)?.block
    const key = block === undefined ? keys.mac(networkId, claim) : keys.block(networkId, block)
    const text = (await store.get(key, limits))?.value ?? ''
    return (block === undefined ? readMac(text) : readBlock(text))?.node
  }

  async #claims(member: string, claim: string, limits: CallLimits): Promise<boolean> {
    const { store, networkId } = this.#options
    const text = (await store.get(`${keys.members(networkId)}${member}`, limits))?.value ?? ''
    const { macAddress, addresses = [] } = readMember(text) ?? {}
    return macAddress === claim || addresses.includes(claim)
  }

  /** It lives, and what the store says of it is what it has. */
  async #isThere(name: string, limits: CallLimits): Promise<boolean> {
    const { store } = this.#options
    if ((await store.get(keys.aliveNode(name), limits)) === undefined) return false
    const node = readNode((await store.get(keys.node(name), limits))?.value ?? '')
    return node !== undefined && !this.#options.isRemoved(node) && isBack(store, node.identity, limits)
  }
}
