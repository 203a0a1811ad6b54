// What the driver holds of the machine while it runs: one way to the links, the firewall, and their owner.
import type { HostHandle } from '../driver/index.ts'
import { type Link, Rtnl } from '../linux/index.ts'
import { AfterAnswer } from './after-answer.ts'
import { Firewall } from './firewall/firewall.ts'
import { PolicyTable } from './firewall/policy-table.ts'
import { sweep } from './inventory.ts'
import type { BridgeNetworkKind } from './kind.ts'
import { LinkDeletions } from './link-deletions.ts'
import { endpointOwner, LinkNames, networkOwner, pairsOwner } from './names.ts'
import { PluggedPorts } from './plugged-ports.ts'
import { UnjudgedEndpoints } from './unjudged-endpoints.ts'

/** With the second look, what others flush is back within two seconds. */
const firewallCheckIntervalMs = 1_000
/** A change must stand so long: it may be that of an instance that is just taking over. */
const firewallSecondLookMs = 500

type MachineOptions = Pick<BridgeNetworkKind, 'driverName' | 'prefixes'>

/** The kernel as one driver uses it, while it runs. */
export class Machine {
  readonly rtnl = Rtnl.open()
  readonly deletions = new LinkDeletions(this.rtnl)
  readonly afterAnswer = new AfterAnswer({ failed: (what, error) => this.#tell(what, error) })
  readonly names: LinkNames
  readonly ports: PluggedPorts
  readonly firewall: Firewall
  /** Policies and ports of endpoints. There while there are any. */
  readonly policyTable: PolicyTable
  /** Whose flows may have begun while there was no table, and no driver. */
  readonly unjudged = new UnjudgedEndpoints()
  /** Who the driver works for. */
  readonly host: HostHandle
  #whenMended: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #secondLook: NodeJS.Timeout | undefined

  private constructor(host: HostHandle, { driverName, prefixes }: MachineOptions) {
    this.host = host
    this.names = new LinkNames(prefixes)
    this.ports = new PluggedPorts(this)
    const mended = () => this.#whenMended?.()
    this.firewall = new Firewall(driverName, { mended })
    this.policyTable = new PolicyTable(driverName, { mended })
  }

  /** Changes nothing: another instance may be at work. Throws `failedPrecondition` where libnftables is missing. */
  static open(host: HostHandle, options: MachineOptions): Machine {
    return new Machine(host, options)
  }

  /**
   * Takes over what a former process has left, or an instance that works no more, and watches over it. May be repeated. `isKnown`: of
   * endpoints that a sync has brought before, as to a newcomer that stood by.
   */
  async takeCharge(isKnown: (endpointId: string) => boolean): Promise<void> {
    await sweep(this)
    const links = this.rtnl.links()
    const bridges = new Set(links.filter(({ kind }) => kind === 'bridge').map(({ name }) => name))
    const hadRules = this.firewall.adopt((name) => bridges.has(name))
    const hadPolicies = await this.policyTable.adopt(this.#owners(links))
    const isJudged = hadRules && this.#bridgesIn(links).every(({ name }) => this.firewall.knows(name))
    const standing = this.#endpointsIn(links)
    const awaited = standing.filter((endpointId) => !isKnown(endpointId))
    const isLoss = () => !isJudged || (!hadPolicies && !this.policyTable.isEmpty())
    if (standing.length > 0) this.unjudged.await(awaited, isLoss)
    else this.unjudged.awaitNone()
    // A start that failed after this one is made again.
    clearInterval(this.#timer)
    this.#timer = setInterval(() => this.#checkFirewall(), firewallCheckIntervalMs).unref()
  }

  /** Another instance watches over it from now on; timers end. May be repeated. */
  leaveCharge(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#secondLook)
    this.unjudged.leave()
    this.firewall.leave()
    this.policyTable.leave()
  }

  /** Calls back from now on when a table that somebody had changed was written anew: not all that flows was judged. */
  whenMended(review: () => void): void {
    this.#whenMended = review
  }

  /** Waits for deletions under way, and lets go of the kernel. Networks stay as they are. Once, at the end. */
  async close(): Promise<void> {
    this.leaveCharge()
    this.afterAnswer.finish()
    await this.deletions.close()
    this.firewall.close()
    await this.policyTable.close()
    this.rtnl.close()
  }

  /** Whose elements of the table stay: of the networks and endpoints that there are. */
  #owners(links: readonly Link[]): (owner: string) => boolean {
    const networks = links.flatMap((link) => this.names.networkOf(link) ?? [])
    const owners = new Set([
      ...networks.map(networkOwner),
      ...networks.map(pairsOwner),
      ...this.#endpointsIn(links).flatMap((endpointId) => [
        endpointOwner(endpointId),
        pairsOwner(endpointId),
      ]),
    ])
    return (owner) => owners.has(owner)
  }

  #bridgesIn(links: readonly Link[]): Link[] {
    return links.filter((link) => this.names.networkOf(link) !== undefined)
  }

  #endpointsIn(links: readonly Link[]): string[] {
    return links.flatMap((link) => this.names.endpointOf(link)?.endpointId ?? [])
  }

  /** Others flush the firewall without telling. */
  #checkFirewall(): void {
    void this.#attempt(() => {
      if (!this.firewall.isChanged() && !this.policyTable.isChanged()) return
      clearTimeout(this.#secondLook)
      this.#secondLook = setTimeout(() => this.#repairFirewall(), firewallSecondLookMs).unref()
    })
  }

  #repairFirewall(): void {
    void this.#attempt(async () => {
      const isRepaired = [this.firewall.repair(), await this.policyTable.repair()].includes(true)
      if (!isRepaired) return
      const message = 'the firewall table was changed or flushed by somebody else; it was written anew'
      this.host.log({ level: 'warn', message })
    })
  }

  async #attempt(look: () => Promise<void> | void): Promise<void> {
    try {
      await look()
    } catch (error) {
      this.#tell('check the firewall', error)
    }
  }

  #tell(what: string, error: unknown): void {
    const message = `could not ${what}: ${error instanceof Error ? error.message : error}`
    this.host.log({ level: 'error', message })
  }
}
