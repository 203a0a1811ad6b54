// MACs of a network that clients of this node ask for.
import type { MacClaims } from './mac-claims.ts'
import type { NetworkTurns } from './network-turns.ts'
import type { CallLimits, Condition } from './shared-store.ts'

export type MacsHereOptions = {
  readonly claims: Pick<MacClaims, 'claim' | 'tidy'>
  readonly turns: Pick<NetworkTurns, 'run' | 'registered' | 'gate'>
  /** The network's name. */
  readonly network: string
}

export class MacsHere {
  readonly #options: MacsHereOptions

  constructor(options: MacsHereOptions) {
    this.#options = options
  }

  /** As `MacClaims`, from a store that is whole. */
  async claim(macAddress: string, limits: CallLimits): Promise<void> {
    const { claims, turns, network } = this.#options
    const what = `reserve MAC ${macAddress} in network ${network}`
    await turns.registered(limits, what)
    const claim = (gate: readonly Condition[]) =>
      turns.run(async () =>
        claims.claim(macAddress, { ...limits, condition: await turns.registered(limits, what), gate }),
      )
    await turns.gate.run(what, claim, limits)
  }

  /** Claims of those that nobody here has any more are given back. */
  tidy(isHeld: (macAddress: string) => boolean, limits: CallLimits): Promise<void> {
    const { claims, turns, network } = this.#options
    const what = `give back MACs of network ${network}`
    return turns.run(async () =>
      claims.tidy(isHeld, { ...limits, condition: await turns.registered(limits, what) }),
    )
  }
}
