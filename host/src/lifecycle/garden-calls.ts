// Garden's NetIn and NetOut: more entries in the policy of the container's primary network.
import { isDeepStrictEqual } from 'node:util'
import { ConetError, type PortMapping } from '@conet/sdk'
import type { GardenMappedPort, GardenNetIn, GardenNetOutRule } from '@conet/sdk/api'
import { primaryOf } from '../domain/container.ts'
import { LeadingPorts, targetOf } from '../domain/fixed-ports.ts'
import { entriesOf, netOutRule, portRequest, protocolWithoutPorts } from '../domain/garden-policy.ts'
import { shellWord } from '../domain/shell-word.ts'
import { requireContainer } from './containers.ts'
import { isUp } from './down.ts'
import type { HostContext, Operation } from './host-context.ts'
import { withoutPath } from './policy-refusal.ts'
import { aboutSent } from './sent-entries.ts'
import { addToPolicy, type Standing } from './set-policy.ts'

/**
 * Maps one more TCP port. May be repeated with a host port: what leads to the same place already is the answer. Without one each
 * call maps another.
 */
export async function netIn(
  host: HostContext,
  handle: string,
  wish: GardenNetIn,
  operation: Operation,
): Promise<GardenMappedPort> {
  const place = placeOf(host, handle, 'net in')
  const entry = portRequest(wish)
  const placeOfThere = (mappings: readonly PortMapping[]) =>
    mappings.findIndex((mapping) => mappedAlready(handle, wish, [mapping]) !== undefined)
  const added = { member: 'net_in', entries: [entry], nameOfSent: () => '', placeOfThere } as const
  const portMappings = await addEntries(host, place, added, operation)
  const there = mappedAlready(handle, wish, portMappings)
  if (there !== undefined) return there
  // In the order of the policy's entries, of which this one is the last.
  const mapped = portMappings.at(-1)
  if (mapped === undefined) throw notUp(handle, 'net in')
  return { host_port: mapped.hostPort, container_port: mapped.containerPort }
}

/** Throws `portInUse` where the container's port leads elsewhere. */
function mappedAlready(
  handle: string,
  { host_port: hostPort, container_port: wanted }: GardenNetIn,
  mappings: readonly PortMapping[],
): GardenMappedPort | undefined {
  if (!hostPort) return undefined
  const range = new LeadingPorts(mappings).from({ protocol: 'tcp', hostPort })
  if (range === undefined) return undefined
  const port = targetOf(range, hostPort)
  if (port === (wanted || hostPort)) return { host_port: hostPort, container_port: port }
  const message = `tcp ${hostPort} leads to port ${port} of the container already`
  throw new ConetError('portInUse', `net in ${handle}: host_port: ${message}`, {
    fields: [{ path: 'host_port', message }],
    details: { container: handle, port: hostPort },
    help: 'ask for another host_port, or for none, which gets any free one',
  })
}

/** One rule, which is the whole body. */
export function netOut(
  host: HostContext,
  handle: string,
  rule: GardenNetOutRule,
  operation: Operation,
): Promise<void> {
  return addRules(host, handle, { rules: [rule], nameOfSent: () => 'netout_rule' }, operation)
}

/** All rules, or none. */
export function netOutBulk(
  host: HostContext,
  handle: string,
  rules: readonly GardenNetOutRule[],
  operation: Operation,
): Promise<void> {
  return addRules(host, handle, { rules, nameOfSent: (index) => `netout_rules[${index}]` }, operation)
}

type SentRules = Pick<Added, 'nameOfSent'> & { readonly rules: readonly GardenNetOutRule[] }

async function addRules(
  host: HostContext,
  handle: string,
  { rules, nameOfSent }: SentRules,
  operation: Operation,
): Promise<void> {
  const place = placeOf(host, handle, 'net out')
  for (const rule of rules) refuseAsGarden(rule)
  if (rules.length === 0) return
  const added = { member: 'net_out', entries: rules.map(netOutRule), nameOfSent } as const
  await addEntries(host, place, added, operation)
}

type Added = {
  readonly member: 'net_in' | 'net_out'
  readonly entries: readonly unknown[]
  /** What the sender calls each of them; the first one is 0. */
  readonly nameOfSent: (index: number) => string
  /** Of the mapping that serves already; -1: none does. */
  readonly placeOfThere?: (mappings: readonly PortMapping[]) => number
}

/** What is refused of them is told of them as they were sent, not by their places in the whole policy. */
async function addEntries(
  host: HostContext,
  place: { handle: string; attachment: string },
  { member, entries, nameOfSent, placeOfThere }: Added,
  operation: Operation,
): Promise<readonly PortMapping[]> {
  let all: readonly unknown[] = []
  const change = ({ container, mappings, policyIn, withEntries, withPortKept }: Standing) => {
    const next = withEntries({ [member]: [...entries] })
    const policy = policyIn(next)
    const there = placeOfThere?.(mappings) ?? -1
    // One of the pool, for an entry that asks for any: that port beside it would be refused.
    if (there >= 0 && !isDeepStrictEqual(policy, policyIn(container))) return withPortKept(there)
    all = entriesOf(policy ?? {}, member)
    return next
  }
  try {
    return await addToPolicy(host, place, change, operation)
  } catch (error) {
    // Those of one call stand together, and before the ports of any number of others.
    const last = all.findLastIndex((entry) => isDeepStrictEqual(entry, entries.at(-1)))
    const nameOf = (at: number) => {
      const index = at - (last - entries.length + 1)
      return index in entries && isDeepStrictEqual(all[at], entries[index]) ? nameOfSent(index) : undefined
    }
    throw ConetError.is(error) ? aboutSent(withoutPath(error), { member, nameOf }) : error
  }
}

/** What Garden refuses itself, in its words: whatever the driver thinks of it. */
function refuseAsGarden(rule: GardenNetOutRule): void {
  const name = protocolWithoutPorts(rule)
  if (name !== undefined)
    throw new ConetError('invalidArgument', `Ports cannot be specified for Protocol ${name.toUpperCase()}`)
}

function placeOf(host: HostContext, handle: string, what: string): { handle: string; attachment: string } {
  const primary = primaryOf(requireContainer(host, handle).attachments)
  if (!isUp(host, handle)) throw notUp(handle, what)
  if (primary !== undefined) return { handle, attachment: primary.name }
  throw new ConetError('failedPrecondition', `${what} ${handle}: the container has no network`)
}

/** Garden knows no container before it is up, nor after it is down: to its clients it is an unknown handle. */
function notUp(handle: string, what: string): ConetError {
  return new ConetError('notFound', `${what} ${handle}: the container is not up`, {
    details: { container: handle },
    help: `its policy may be set before it is up: conet container policy ${shellWord(handle)}`,
  })
}
