// What each endpoint of a change of policies is to get, with its ports, in the order in which drivers are told.
import type { PortMapping } from '@conet/sdk'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import type { PolicyDocument } from '../domain/policy.ts'
import { giversFirst, stayingPorts } from '../ports/index.ts'
import type { DriverSession } from './driver-access.ts'
import type { HostContext } from './host-context.ts'
import { keepPortsOf, takePorts, type WantedPorts } from './policy-ports.ts'

/** One endpoint that is to get a policy, or none. */
export type PolicyStep = {
  readonly endpoint: EndpointRecord
  readonly network: NetworkRecord
  readonly session: DriverSession
  readonly policy: PolicyDocument | undefined
  readonly ports: WantedPorts | undefined
  /** The path of the policy in the request. */
  readonly at: string
}

export type InForce = Pick<EndpointRecord, 'policy' | 'portMappings'>

/** With the ports that it gets. */
export type PreparedStep = PolicyStep & {
  /** What the step before left it. */
  readonly former: InForce
  readonly next: InForce
  /** It gives ports up for another, and another step of the same endpoint follows. */
  readonly isRelease: boolean
  /** How often the driver had been told what should be. */
  readonly round: number
}

/**
 * Takes the ports of all steps, in one step of the event loop; ports may move from one to another, both ways too. Throws
 * `portInUse`, `portsExhausted`; then none is taken. The order of the answer is that in which they are to be applied.
 */
export function prepared(host: HostContext, steps: readonly PolicyStep[]): PreparedStep[] {
  const all: PreparedStep[] = []
  const changed = new Map<string, readonly PortMapping[]>()
  try {
    for (const { step, isRelease } of giversFirst(steps, moverOf)) {
      const { endpoint, policy, ports, network } = step
      const next = isRelease ? released(step) : inForce(policy, takePorts(host, endpoint, ports, changed))
      changed.set(endpoint.id, next.portMappings ?? [])
      const former = all.find((other) => other.endpoint.id === endpoint.id)?.next ?? endpoint
      all.push({ ...step, former, next, isRelease, round: host.syncRounds.of(network.type) })
    }
    return all
  } catch (error) {
    for (const step of steps) keepPortsOf(host, step.endpoint)
    throw error
  }
}

export function inForce(
  policy: PolicyDocument | undefined,
  portMappings: readonly PortMapping[] | undefined,
): InForce {
  return {
    ...(policy !== undefined && { policy }),
    ...(portMappings !== undefined && { portMappings: [...portMappings] }),
  }
}

function moverOf(step: PolicyStep) {
  const { endpoint, ports } = step
  return { held: endpoint.portMappings ?? [], staying: stayingOf(step), wishes: ports?.wishes ?? [] }
}

function stayingOf({ endpoint: { portMappings: mappings = [] }, ports }: PolicyStep): PortMapping[] {
  return ports === undefined ? [] : stayingPorts(ports.wishes, { wishes: ports.former, mappings })
}

/** The policy that it has, without the ports that it gives up: rules and limits stay as they are until the next step. */
function released(step: PolicyStep): InForce {
  const { policy = {}, portMappings: held = [] } = step.endpoint
  const member = step.session.driver.capabilities.ports?.policyMember ?? ''
  const entries: unknown = policy[member]
  const staying = stayingOf(step)
  const stays = (_entry: unknown, index: number) => staying.some((mapping) => mapping === held[index])
  return inForce(
    { ...policy, ...(Array.isArray(entries) && { [member]: entries.filter(stays) }) },
    held.filter((mapping) => staying.includes(mapping)),
  )
}
