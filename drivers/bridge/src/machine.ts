// What the driver holds of the machine while it runs: one way to the links, the firewall, and their owner.
import type { HostHandle } from '@conet/sdk'
import { Rtnl } from '@conet/sdk/linux'
import { Firewall } from './firewall/firewall.ts'
import { sweep } from './inventory.ts'
import { LinkDeletions } from './link-deletions.ts'

const firewallCheckIntervalMs = 5_000

export class Machine {
  readonly rtnl = Rtnl.open()
  readonly deletions = new LinkDeletions(this.rtnl)
  readonly firewall: Firewall
  readonly #host: HostHandle
  #timer: NodeJS.Timeout | undefined

  private constructor(host: HostHandle) {
    this.#host = host
    this.firewall = new Firewall()
  }

  /** Takes over what a former process has left. Throws `failedPrecondition` where libnftables is missing. */
  static async open(host: HostHandle): Promise<Machine> {
    const machine = new Machine(host)
    try {
      await machine.#adopt()
      return machine
    } catch (error) {
      await machine.close()
      throw error
    }
  }

  /** Ends what is under way. Networks stay as they are. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.deletions.close()
    this.firewall.close()
    this.rtnl.close()
  }

  async #adopt(): Promise<void> {
    await sweep(this.rtnl, this.deletions)
    const bridges = new Set(this.rtnl.links({ kind: 'bridge' }).map(({ name }) => name))
    this.firewall.adopt((name) => bridges.has(name))
    this.#timer = setInterval(() => this.#checkFirewall(), firewallCheckIntervalMs).unref()
  }

  /** Others flush the firewall without telling. */
  #checkFirewall(): void {
    try {
      if (!this.firewall.repair()) return
      const message = 'the firewall table was changed or flushed by somebody else; it was written anew'
      this.#host.log({ level: 'warn', message })
    } catch (error) {
      const message = `could not check the firewall: ${error instanceof Error ? error.message : error}`
      this.#host.log({ level: 'error', message })
    }
  }
}
