// The peers of one network: the directory as far as it was told, and the kernel's tables, kept alike.
import { KeyedQueue, type PeersBatch } from '@conet/sdk'
import { ownEntry, type StandingBridge } from '@conet/sdk/bridge-network'
import { announce, type RouteRequest, type Rtnl } from '@conet/sdk/linux'
import { type EntriesChange, PeerDirectory } from './directory.ts'
import {
  changeBetween,
  type FoundEntries,
  faultsIn,
  type Look,
  note,
  type ProgramTask,
  program,
  readEntries,
  type TunnelLinks,
  withoutFound,
} from './entries.ts'

/** An announcement goes to every member here: of a burst only what somebody may know otherwise is worth it. */
const fewNews = 64

const tables = 'tables'

/** What puts entries of the bridge back that lead to the network's own ports, of these MACs. */
export type PinsOf = (macAddresses: ReadonlySet<string>) => RouteRequest[]

export class TunnelMembers {
  readonly #rtnl: Rtnl
  readonly #pinsOf: PinsOf
  /** A look takes a while, and what changes meanwhile would be a difference. */
  readonly #turns = new KeyedQueue()
  #bridge: StandingBridge
  #links: TunnelLinks
  #directory = new PeerDirectory()
  /** What the kernel has while a snapshot is under way: of that, what the snapshot has not named at its end goes. */
  #found: FoundEntries | undefined
  /** Whether the directory is all that the kernel should have; not before the first snapshot has ended. */
  #isWhole = false

  constructor(machine: { rtnl: Rtnl; pinsOf: PinsOf }, bridge: StandingBridge, links: TunnelLinks) {
    this.#rtnl = machine.rtnl
    this.#pinsOf = machine.pinsOf
    this.#bridge = bridge
    this.#links = links
  }

  /** The links may be others than before. Answers what of the entries differed from the directory, in words. */
  repair(bridge: StandingBridge, links: TunnelLinks): Promise<string[]> {
    return this.#turns.run(tables, async () => {
      this.#bridge = bridge
      this.#links = links
      const found = await this.#look(links)
      if (found === undefined) return []
      await this.#program(found)
      if (found.change.forwarding.size > 0) await this.#programRest(links)
      return faultsIn(found)
    })
  }

  /** An entry that was brought back from another port is still of the kind that it was there, which is seen only now. */
  async #programRest(links: TunnelLinks): Promise<void> {
    const found = await this.#look(links)
    if (found !== undefined) await this.#program(found)
  }

  /** What of the entries differs from the directory, in words; nothing as long as the directory is not whole. */
  faults(links: TunnelLinks): Promise<string[]> {
    return this.#turns.run(tables, async () => {
      const found = await this.#look(links)
      return found === undefined ? [] : faultsIn(found)
    })
  }

  /** Throws `conflict` with nothing done, or a KernelError; then the next batch must begin a snapshot. */
  apply(batch: PeersBatch): Promise<void> {
    return this.#turns.run(tables, () => this.#apply(batch))
  }

  async #look(links: TunnelLinks): Promise<Look | undefined> {
    if (!this.#isWhole) return undefined
    const found = await readEntries(this.#rtnl, links)
    return { found, change: changeBetween(found, this.#directory.entries()) }
  }

  async #apply(batch: PeersBatch): Promise<void> {
    const directory = batch.beginsSnapshot ? new PeerDirectory() : this.#directory
    const change = directory.plan(batch)
    const found = batch.beginsSnapshot ? await readEntries(this.#rtnl, this.#links) : this.#found
    this.#isWhole = false
    await this.#program({ change: found === undefined ? change : withoutFound(change, found), found })
    if (found !== undefined) note(found, change)
    directory.commit(change)
    this.#directory = directory
    this.#found = found
    if (batch.endsSnapshot) await this.#endSnapshot()
    this.#isWhole = this.#found === undefined
    this.#announceNews(change, found === undefined)
  }

  /** Another instance is told of changes from now on. */
  forget(): void {
    this.#directory = new PeerDirectory()
    this.#found = undefined
    this.#isWhole = false
  }

  /** What is found and not in the directory by now is stale: everything in it has been programmed. */
  async #endSnapshot(): Promise<void> {
    const found = this.#found
    this.#found = undefined
    if (found === undefined) return
    await this.#program({ change: changeBetween(found, this.#directory.entries()), found })
  }

  async #program(task: ProgramTask): Promise<void> {
    await program(this.#rtnl, this.#links, task)
    this.#pinAgain(task.change)
  }

  /**
   * Another host had the MAC of an endpoint here for a moment, or somebody had led the gateway's there, and the bridge has one entry
   * for each.
   */
  #pinAgain({ forwarding }: EntriesChange): void {
    const gone = [...forwarding].filter(([, destination]) => destination === undefined)
    if (gone.length === 0) return
    const macAddresses = new Set(gone.map(([macAddress]) => macAddress))
    const { index, plan } = this.#bridge
    const ofBridge = macAddresses.has(plan.macAddress) ? [ownEntry(index, plan)] : []
    // Unplugged since.
    this.#rtnl.batch([...this.#pinsOf(macAddresses), ...ofBridge], { tolerate: ['ENODEV'] })
  }

  /**
   * Members that knew one of the addresses under another MAC would talk to that for half a minute, and one that has asked a
   * moment too early asks again after a second only.
   */
  #announceNews({ neighbours }: EntriesChange, isMereChange: boolean): void {
    const { history, plan } = this.#bridge
    const isFew = neighbours.size <= fewNews
    for (const [address, macAddress] of neighbours) {
      if (macAddress === undefined) continue
      // A snapshot has everything, and is no news to most.
      const isNews =
        isMereChange &&
        (isFew || history.mayMatter([address], { macAddress, members: Number.POSITIVE_INFINITY }))
      history.note([address], macAddress)
      if (isNews) announce(undefined, { interfaceName: plan.name, macAddress, addresses: [address] })
    }
  }
}
