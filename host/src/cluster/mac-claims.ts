// MAC addresses of a network that clients ask for: claimed in one transaction, so that no two nodes have one at once. Those
// that follow from an address need no claim: the address is unique.
import { ConetError } from '@conet/sdk'
import {
  assertNetwork,
  type ClaimingNode,
  type ClaimLimits,
  commitClaim,
  notRegistered,
  type RegisteredLimits,
} from './claim-transaction.ts'
import { keys } from './keys.ts'
import { reader, SharedMac } from './records.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

export type MacClaimsOptions = ClaimingNode & { readonly store: SharedStore }

const readMac = reader(SharedMac)
/** Of one transaction, below what etcd takes. */
const macsAtOnce = 100

export class MacClaims {
  readonly #options: MacClaimsOptions

  constructor(options: MacClaimsOptions) {
    this.#options = options
  }

  /** May be repeated. Throws `addressInUse` with the node that has it, `notFound` when the network is gone. */
  async claim(mac: string, limits: ClaimLimits & RegisteredLimits): Promise<void> {
    const { store, node, network } = this.#options
    const key = keys.mac(network.id, mac)
    const entry = { key, value: JSON.stringify({ node }) }
    if (await commitClaim(this.#options, entry, limits)) return
    const found = await store.get(key, limits)
    const holder = found && readMac(found.value)?.node
    if (holder !== undefined && holder !== node) throw taken(mac, holder)
    await assertNetwork(this.#options, `reserve MAC ${mac}`, limits)
    if (holder === undefined) throw this.#notRegistered()
  }

  /** What this node has claimed, and `isHeld` says that nobody here has, is free again. May be repeated. */
  async tidy(isHeld: (mac: string) => boolean, { condition, ...limits }: RegisteredLimits): Promise<void> {
    const { store, network } = this.#options
    const unused = (await this.own(limits)).filter((mac) => !isHeld(mac))
    for (let from = 0; from < unused.length; from += macsAtOnce) {
      const some = unused.slice(from, from + macsAtOnce)
      const changes = some.map((mac) => ({ delete: keys.mac(network.id, mac) }))
      const { committed } = await store.commit([condition], changes, limits)
      if (!committed) throw this.#notRegistered()
    }
  }

  /** What the store says is this node's. */
  own(limits: CallLimits): Promise<string[]> {
    const { store, network, node } = this.#options
    return claimedMacs(store, { networkId: network.id, node }, limits)
  }

  #notRegistered(): ConetError {
    return notRegistered(this.#options, `claim MACs of network ${this.#options.network.name}`)
  }
}

/** The MACs of a network that a node has claimed. */
export async function claimedMacs(
  store: SharedStore,
  { networkId, node }: { networkId: string; node: string },
  limits: CallLimits,
): Promise<string[]> {
  const prefix = keys.macs(networkId)
  const { entries } = await store.list(prefix, limits)
  const own = entries.filter(({ value }) => readMac(value)?.node === node)
  return own.map(({ key }) => key.slice(prefix.length))
}

function taken(mac: string, node: string): ConetError {
  return new ConetError('addressInUse', `reserve MAC ${mac}: node ${node} has it`, {
    details: { mac, node },
    help: `ask for another one, or for none, or unplug what has it on node ${node}`,
    fields: [{ path: 'mac_address', message: `node ${node} has it` }],
  })
}
