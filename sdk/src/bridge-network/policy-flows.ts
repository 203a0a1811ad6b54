// The flows that a change of an endpoint's policy or ports ends.
import { parsePrefix } from '../linux/index.ts'
import { Conntrack, glanceAtUdpPorts } from '../linux/netfilter/index.ts'
import type { PolicyParams } from '../protocol/index.ts'
import { sourceAddressOf } from './endpoint-policy.ts'
import { differing, type Holding, type TableElement } from './firewall/policy-elements.ts'
import {
  addressesOf,
  cutForbidden,
  cutOver,
  cutUnmapped,
  isUdp,
  type MappedPort,
  mappedPortOf,
  type TellEnds,
} from './flow-cuts.ts'
import type { Machine } from './machine.ts'
import { parseRange } from './policy/ranges.ts'
import type { EgressPolicy } from './policy/rules.ts'
import { tellConnectionEnds } from './tell-connection-ends.ts'

/** Owns a socket from the first cut on; close it when done. */
export class PolicyFlows {
  readonly #machine: Pick<Machine, 'rtnl' | 'host'>
  #conntrack: Conntrack | undefined

  constructor(machine: Pick<Machine, 'rtnl' | 'host'>) {
    this.#machine = machine
  }

  conntrack(): Conntrack {
    this.#conntrack ??= Conntrack.open()
    return this.#conntrack
  }

  /** What the endpoint may not send any more, and what came by ports that it has no more. Throws a KernelError. */
  async cut(
    before: Holding,
    after: Holding,
    { params, egress }: { params: PolicyParams; egress: () => EgressPolicy },
  ): Promise<void> {
    const addresses = addressesOfParams(params)
    const tellEnds: TellEnds = (flows) =>
      tellConnectionEnds(this.#machine.host, flows, { addresses, sandboxPath: params.sandbox?.path })
    const isJudgedAnew = differing(before, after).some(isSource) || differing(after, before).some(isSource)
    if (isJudgedAnew) {
      const ownNetwork = params.network.subnets.map(({ subnet }) => parseRange(subnet))
      const near = { ownNetwork, machine: addressesOf(this.#machine.rtnl) }
      await cutForbidden(this.conntrack(), egress, { addresses, near, tellEnds })
    }
    await this.cutPorts(before, after, tellEnds)
  }

  /** Of its ports alone. */
  async cutPorts(before: Holding, after: Holding, tellEnds?: TellEnds): Promise<void> {
    const removed = portsOf({ elements: differing(before, after) })
    const added = portsOf({ elements: differing(after, before) })
    const { rtnl } = this.#machine
    if (removed.length > 0)
      await cutUnmapped(this.conntrack(), rtnl, { ports: removed, left: portsOf(after), tellEnds })
    if (!added.some(isUdp)) return
    // With the others of the same number, which may be of one address.
    const numbers = new Set(added.map(({ hostPort }) => hostPort))
    const concerned = portsOf(after).filter(({ hostPort }) => numbers.has(hostPort))
    await cutOver(this.conntrack(), rtnl, concerned)
  }

  /** The flows that lead elsewhere than to these ports. Does not fail: that is no reason to fail a plug. */
  async cutOver(ports: readonly MappedPort[]): Promise<void> {
    try {
      await cutOver(this.conntrack(), this.#machine.rtnl, ports)
    } catch (error) {
      const message = `flows to new ports go on as before: ${error instanceof Error ? error.message : error}`
      this.#machine.host.log({ level: 'warn', message })
    }
  }

  /** Whether a glance shows flows of UDP to one of them. */
  isInUse(ports: readonly MappedPort[]): boolean {
    const used = glanceAtUdpPorts()
    return used !== undefined && ports.some((port) => isUdp(port) && used.has(port.hostPort))
  }

  /** Waits for what is under way. May be repeated. */
  async close(): Promise<void> {
    await this.#conntrack?.close()
    this.#conntrack = undefined
  }
}

export const portsOf = ({ elements }: Pick<Holding, 'elements'>) =>
  elements.flatMap((element) => mappedPortOf(element) ?? [])

/** Those of the endpoint itself, each once. */
export function addressesIn(elements: readonly TableElement[]): Buffer[] {
  const all = elements.flatMap((element) => sourceAddressOf(element) ?? mappedPortOf(element)?.address ?? [])
  return [...new Map(all.map((address) => [address.toString('hex'), address])).values()]
}

export const addressesOfParams = ({ interface: { addresses } }: PolicyParams) =>
  addresses.map((text) => parsePrefix(text).bytes)

export const isSource = (element: TableElement) => sourceAddressOf(element) !== undefined
