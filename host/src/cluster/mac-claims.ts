// MAC addresses of a network that clients ask for: claimed in one transaction, so that no two nodes have one at once. Those
// that follow from an address need no claim: the address is unique.
import { ConetError } from '@conet/sdk'
import { keys } from './keys.ts'
import { holding } from './node-holdings.ts'
import { reader, SharedMac, type SharedNetwork } from './records.ts'
import type { CallLimits, Condition, SharedStore } from './shared-store.ts'

export type MacClaimsOptions = {
  readonly store: SharedStore
  readonly node: string
  readonly network: Pick<SharedNetwork, 'id' | 'name'>
  /** The store does not take what is written, because this node is not registered any more. */
  refused(): void
}

/** `condition`: that this node is registered. */
type ClaimLimits = CallLimits & { readonly condition: Condition }

const readMac = reader(SharedMac)
/** Of one transaction, below what etcd takes. */
const macsAtOnce = 100

export class MacClaims {
  readonly #options: MacClaimsOptions

  constructor(options: MacClaimsOptions) {
    this.#options = options
  }

  /** May be repeated. Throws `addressInUse` with the node that has it, `notFound` when the network is gone. */
  async claim(mac: string, { condition, ...limits }: ClaimLimits): Promise<void> {
    const { store, node, network } = this.#options
    const key = keys.mac(network.id, mac)
    const { committed } = await store.commit(
      [{ present: keys.network(network.id) }, { absent: key }, condition],
      [{ put: key, value: JSON.stringify({ node }) }, ...holding(network.id, node)],
      limits,
    )
    if (committed) return
    const found = await store.get(key, limits)
    const holder = found && readMac(found.value)?.node
    if (holder !== undefined && holder !== node) throw taken(mac, holder)
    if ((await store.get(keys.network(network.id), limits)) === undefined) throw gone(mac, network)
    if (holder === undefined) throw this.#notRegistered()
  }

  /** What this node has claimed, and `isHeld` says that nobody here has, is free again. May be repeated. */
  async tidy(isHeld: (mac: string) => boolean, { condition, ...limits }: ClaimLimits): Promise<void> {
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
    const { node, network, refused } = this.#options
    refused()
    return new ConetError(
      'clusterUnavailable',
      `claim MACs of network ${network.name}: node ${node} is not registered any more`,
      { operationState: 'not-started' },
    )
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
    fields: [{ path: 'mac_address', message: `node ${node} has it` }],
  })
}

function gone(mac: string, { id, name }: Pick<SharedNetwork, 'id' | 'name'>): ConetError {
  return new ConetError('notFound', `reserve MAC ${mac}: network ${name} is gone`, {
    details: { networkId: id },
  })
}
