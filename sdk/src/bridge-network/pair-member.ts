// An endpoint as policies from container to container mean it.
import { parsePrefix } from '../linux/index.ts'
import type { CreateEndpointParams } from '../protocol/index.ts'
import type { ContainerPolicy } from './policy/document.ts'
import type { PairMember } from './policy/pairs.ts'

/** The properties and labels that say in which group a container is, as Cloud Foundry's policy server knows it. */
const groupNames = ['policy_group_id', 'app_id'] as const

/** `entries`: of the endpoint's policy. */
export function pairMember(
  { container, interface: { addresses } }: Pick<CreateEndpointParams, 'container' | 'interface'>,
  entries: readonly ContainerPolicy[],
): PairMember {
  return {
    ids: idsOf(container),
    addresses: addresses.map((text) => parsePrefix(text).bytes),
    entries,
    text: entries.length === 0 ? '' : JSON.stringify(entries),
  }
}

/** Its handle, and its group: of the properties that Garden gives along, with or without their prefix, and of labels. */
function idsOf({ handle, labels, config = {} }: CreateEndpointParams['container']): string[] {
  const properties = membersOf(config.properties)
  const groups = groupNames.flatMap((name) => [properties[name], properties[`network.${name}`], labels[name]])
  const ids = [handle, ...groups.filter((group) => typeof group === 'string' && group !== '').map(String)]
  return [...new Set(ids)]
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
