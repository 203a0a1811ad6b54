// What the driver holds of the machine while it runs: one way to the links, the firewall, and their owner.
import type { HostHandle } from '../driver/index.ts'
import { Rtnl } from '../linux/index.ts'
import { Firewall } from './firewall/firewall.ts'
import { PolicyTable } from './firewall/policy-table.ts'
import { sweep } from './inventory.ts'
import type { BridgeNetworkKind } from './kind.ts'
import { LinkDeletions } from './link-deletions.ts'
import { endpointOwner, LinkNames, networkOwner } from './names.ts'

/** With the second look, what others flush is back within two seconds. */
const firewallCheckIntervalMs = 1_000
/** A change must stand so long: it may be that of an instance that is just taking over. */
const firewallSecondLookMs = 500

type MachineOptions = Pick<BridgeNetworkKind, 'driverName' | 'prefixes'>

/** The kernel as one driver uses it, while it runs. */
export class Machine {
  readonly rtnl = Rtnl.open()
  readonly deletions = new LinkDeletions(this.rtnl)
  readonly names: LinkNames
  readonly firewall: Firewall
  /** Policies and ports of endpoints. There while there are any. */
  readonly policyTable: PolicyTable
  /** Who the driver works for. */
  readonly host: HostHandle
  #timer: NodeJS.Timeout | undefined
  #secondLook: NodeJS.Timeout | undefined

  private constructor(host: HostHandle, { driverName, prefixes }: MachineOptions) {
    this.host = host
    this.names = new LinkNames(prefixes)
    this.firewall = new Firewall(driverName)
    this.policyTable = new PolicyTable(driverName)
  }

  /** Changes nothing: another instance may be at work. Throws `failedPrecondition` where libnftables is missing. */
  static open(host: HostHandle, options: MachineOptions): Machine {
    return new Machine(host, options)
  }

  /** Takes over what a former process has left, or an instance that works no more, and watches over it. May be repeated. */
  async takeCharge(): Promise<void> {
    await sweep(this)
    const bridges = new Set(this.rtnl.links({ kind: 'bridge' }).map(({ name }) => name))
    this.firewall.adopt((name) => bridges.has(name))
    await this.policyTable.adopt(this.#owners())
    // A start that failed after this one is made again.
    clearInterval(this.#timer)
    this.#timer = setInterval(() => this.#checkFirewall(), firewallCheckIntervalMs).unref()
  }

  /** Another instance watches over it from now on; timers end. May be repeated. */
  leaveCharge(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#secondLook)
    this.firewall.leave()
    this.policyTable.leave()
  }

  /** Waits for deletions under way, and lets go of the kernel. Networks stay as they are. Once, at the end. */
  async close(): Promise<void> {
    this.leaveCharge()
    await this.deletions.close()
    this.firewall.close()
    await this.policyTable.close()
    this.rtnl.close()
  }

  /** Whose elements of the table stay: of the networks and endpoints that there are. */
  #owners(): (owner: string) => boolean {
    const links = this.rtnl.links()
    const owners = new Set([
      ...links.flatMap((link) => this.names.networkOf(link) ?? []).map(networkOwner),
      ...links.flatMap((link) => this.names.endpointOf(link)?.endpointId ?? []).map(endpointOwner),
    ])
    return (owner) => owners.has(owner)
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
      const message = `could not check the firewall: ${error instanceof Error ? error.message : error}`
      this.host.log({ level: 'error', message })
    }
  }
}
