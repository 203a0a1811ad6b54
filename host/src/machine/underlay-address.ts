// The address under which other hosts reach this one: whether the machine has it. It may come later, as by DHCP.
import { ConetError } from '@conet/sdk'
import { machineAddresses } from './addresses.ts'

/** How long a good answer is taken for true: it is asked for at each plug. */
const freshMs = 2_000

export class UnderlayAddress {
  readonly #address: string
  readonly #read: () => ReadonlySet<string>
  #seenAt = Number.NEGATIVE_INFINITY

  /** `read`: all addresses of the machine, without prefix lengths. */
  constructor(address: string, read: () => ReadonlySet<string> = machineAddresses) {
    this.#address = address
    this.#read = read
  }

  /** Throws `failedPrecondition` that names the address while it is on no interface. `what` begins the message. */
  assertHere(what: string): void {
    const now = performance.now()
    if (now - this.#seenAt < freshMs) return
    if (this.#read().has(this.#address)) {
      this.#seenAt = now
      return
    }
    throw new ConetError(
      'failedPrecondition',
      `${what}: the underlay address ${this.#address} is on no interface of this machine`,
      {
        details: { underlayAddress: this.#address },
        help: 'give it to an interface, or start conetd with the --underlay-address under which other hosts reach this one',
      },
    )
  }
}
