// Who is in each network whose members are kept apart, and what their policies say of each other. The entries of all of them count.

import { parsePrefix } from '../linux/index.ts'
import type { CreateEndpointParams } from '../protocol/index.ts'
import type { ContainerPolicy } from './policy/document.ts'
import { type Pair, type PairMember, pairsOf } from './policy/pairs.ts'

/** A member, and what its own document says. */
export type PairingMember = PairMember & {
  readonly entries: readonly ContainerPolicy[]
  /** Equal where the entries are: many members have the document of their network. */
  readonly text: string
}

/** The properties and labels that say in which group a container is, as Cloud Foundry's policy server knows it. */
const groupNames = ['policy_group_id', 'app_id'] as const

/** `entries`: of the endpoint's policy. */
export function pairingMember(
  { container, interface: { addresses } }: Pick<CreateEndpointParams, 'container' | 'interface'>,
  entries: readonly ContainerPolicy[],
): PairingMember {
  return {
    ids: idsOf(container),
    addresses: addresses.map((text) => parsePrefix(text).bytes),
    entries,
    text: entries.length === 0 ? '' : JSON.stringify(entries),
  }
}

export class MemberPairs {
  readonly #networks = new Map<string, Map<string, PairingMember>>()

  /** The member is there, or is as `member` says; undefined: it is gone. Answers the way back. */
  set(networkId: string, endpointId: string, member: PairingMember | undefined): () => void {
    const former = this.#networks.get(networkId)?.get(endpointId)
    this.#put(networkId, endpointId, member)
    return () => this.#put(networkId, endpointId, former)
  }

  addressesOf(endpointId: string): readonly Buffer[] {
    const members = this.#networks.get(this.networkOf(endpointId) ?? '')
    return members?.get(endpointId)?.addresses ?? []
  }

  /** The network of a member. */
  networkOf(endpointId: string): string | undefined {
    return [...this.#networks].find(([, members]) => members.has(endpointId))?.[0]
  }

  /** Whether a document of a member has entries. */
  hasEntries(networkId: string): boolean {
    return [...this.#membersOf(networkId)].some(({ entries }) => entries.length > 0)
  }

  pairs(networkId: string): Pair[] {
    const members = [...this.#membersOf(networkId)]
    const documents = new Map(members.map(({ text, entries }) => [text, entries]))
    return pairsOf([...documents.values()].flat(), members)
  }

  forgetAll(networkId: string): void {
    this.#networks.delete(networkId)
  }

  #membersOf(networkId: string): Iterable<PairingMember> {
    return this.#networks.get(networkId)?.values() ?? []
  }

  #put(networkId: string, endpointId: string, member: PairingMember | undefined): void {
    const members = this.#networks.get(networkId) ?? new Map<string, PairingMember>()
    if (member === undefined) members.delete(endpointId)
    else members.set(endpointId, member)
    if (members.size === 0) this.#networks.delete(networkId)
    else this.#networks.set(networkId, members)
  }
}

/** Its handle, and its group: of the properties that Garden gives along, with or without their prefix, and of labels. */
function idsOf({ handle, labels, config = {} }: CreateEndpointParams['container']): string[] {
  const properties = membersOf(config.properties)
  const groups = groupNames.flatMap((name) => [properties[name], properties[`network.${name}`], labels[name]])
  return [handle, ...groups.filter((group) => typeof group === 'string' && group !== '').map(String)]
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
