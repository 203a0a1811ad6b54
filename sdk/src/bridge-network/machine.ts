// What the driver holds of the machine while it runs: one way to the links, the firewall, and their owner.
import type { HostHandle } from '../driver/index.ts'
import { Rtnl } from '../linux/index.ts'
import { Firewall } from './firewall/firewall.ts'
import { sweep } from './inventory.ts'
import type { BridgeNetworkKind } from './kind.ts'
import { LinkDeletions } from './link-deletions.ts'
import { LinkNames } from './names.ts'

const firewallCheckIntervalMs = 5_000
/** A change must stand so long: it may be that of an instance that is just taking over. */
const firewallSecondLookMs = 500

type MachineOptions = Pick<BridgeNetworkKind, 'driverName' | 'prefixes'>

/** The kernel as one driver uses it, while it runs. */
export class Machine {
  readonly rtnl = Rtnl.open()
  readonly deletions = new LinkDeletions(this.rtnl)
  readonly names: LinkNames
  readonly firewall: Firewall
  /** Who the driver works for. */
  readonly host: HostHandle
  #timer: NodeJS.Timeout | undefined
  #secondLook: NodeJS.Timeout | undefined

  private constructor(host: HostHandle, { driverName, prefixes }: MachineOptions) {
    this.host = host
    this.names = new LinkNames(prefixes)
    this.firewall = new Firewall(driverName)
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
    // A start that failed after this one is made again.
    clearInterval(this.#timer)
    this.#timer = setInterval(() => this.#checkFirewall(), firewallCheckIntervalMs).unref()
  }

  /** Another instance watches over it from now on; timers end. May be repeated. */
  leaveCharge(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#secondLook)
    this.firewall.leave()
  }

  /** Waits for deletions under way, and lets go of the kernel. Networks stay as they are. Once, at the end. */
  async close(): Promise<void> {
    this.leaveCharge()
    await this.deletions.close()
    this.firewall.close()
    this.rtnl.close()
  }

  /** Others flush the firewall without telling. */
  #checkFirewall(): void {
    this.#attempt(() => {
      if (!this.firewall.isChanged()) return
      clearTimeout(this.#secondLook)
      this.#secondLook = setTimeout(() => this.#repairFirewall(), firewallSecondLookMs).unref()
    })
  }

  #repairFirewall(): void {
    this.#attempt(() => {
      if (!this.firewall.repair()) return
      const message = 'the firewall table was changed or flushed by somebody else; it was written anew'
      this.host.log({ level: 'warn', message })
    })
  }

  #attempt(look: () => void): void {
    try {
      look()
    } catch (error) {
      const message = `could not check the firewall: ${error instanceof Error ? error.message : error}`
      this.host.log({ level: 'error', message })
    }
  }
}
