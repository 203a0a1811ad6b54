// The endpoints: what was asked for in this process's life, and what is plugged, which the kernel knows.
import type { Call } from '../driver/index.ts'
import { KernelError, type Link, setBridgePort, setLink } from '../linux/index.ts'
import type {
  CreateEndpointParams,
  EndpointRef,
  ListedEndpoint,
  PlugParams,
  PlugResult,
  PolicyParams,
} from '../protocol/index.ts'
import type { BridgePlan } from './bridge-plan.ts'
import { planEndpoint, portFlags, resultOf } from './endpoint-plan.ts'
import { listEndpoints } from './inventory.ts'
import type { StandingBridge } from './kind.ts'
import type { Machine } from './machine.ts'
import type { Networks } from './networks.ts'
import { type Port, plug } from './plug.ts'
import type { Policies, PolicyWishes } from './policies.ts'
import { pin } from './port.ts'
import { isLimiting } from './traffic-shaper.ts'

export class Endpoints {
  readonly #machine: Machine
  readonly #networks: Networks
  readonly #policies: Policies
  readonly #created = new Map<string, CreateEndpointParams>()
  /** How many endpoints each network has. */
  readonly #members = new Map<string, number>()

  constructor(machine: Machine, { networks, policies }: { networks: Networks; policies: Policies }) {
    this.#machine = machine
    this.#networks = networks
    this.#policies = policies
  }

  /** Nothing to reserve in the kernel: remembers the endpoint, so that it can be named. */
  create(params: CreateEndpointParams): void {
    this.#networks.bridgeOf(params.network)
    if (!this.#created.has(params.endpointId)) this.#count(params.network.id, 1)
    this.#created.set(params.endpointId, params)
  }

  async delete(endpoint: EndpointRef): Promise<void> {
    await this.unplug(endpoint)
    if (this.#created.delete(endpoint.endpointId)) this.#count(endpoint.networkId, -1)
  }

  /** Their network is gone, and what was plugged into it. */
  forgetAll(networkId: string): void {
    for (const [endpointId, { network }] of this.#created) {
      if (network.id === networkId) this.#created.delete(endpointId)
    }
  }

  list(): ListedEndpoint[] {
    const created = [...this.#created.values()].map(refOf)
    // What the kernel shows says more.
    const listed = [...created, ...listEndpoints(this.#machine)]
    return [...new Map(listed.map((one) => [one.endpointId, one])).values()]
  }

  async plug(params: PlugParams, call: Call): Promise<PlugResult> {
    call.signal.throwIfAborted()
    const bridge = this.#networks.bridgeOf(params.network)
    try {
      return await this.#plugInto(bridge, params, call)
    } catch (error) {
      if (!KernelError.is(error) || this.#networks.isCurrent(bridge)) throw error
      // Somebody has deleted the bridge, and maybe it was made again: with another index.
      return await this.#plugInto(this.#networks.bridgeOf(params.network, { anew: true }), params, call)
    }
  }

  /** Only the host's side is asked for: the sandbox may be gone, and both ends go together. */
  async unplug(endpoint: EndpointRef): Promise<void> {
    const { rtnl, names, deletions } = this.#machine
    const link = rtnl.link(names.port(endpoint.endpointId))
    const isOurs = link !== undefined && names.isPortOf(link, endpoint)
    await Promise.all([
      ...(isOurs ? [deletions.delete(link.index)] : []),
      this.#policies.shaper.delete(endpoint.endpointId),
    ])
    // After the port: what it still sent was judged.
    await this.#policies.delete(endpoint.endpointId)
  }

  /** Before the plug nothing is done: the plug brings the policy again. */
  async policy(params: PolicyParams): Promise<void> {
    const { rtnl, names } = this.#machine
    const endpoint = refOf(params)
    const { plan: bridge, index } = this.#networks.bridgeOf(params.network)
    const wishes = await this.#policies.plan(params, bridge)
    const port = rtnl.link(names.port(params.endpointId))
    if (port === undefined || !names.isPortOf(port, endpoint)) return
    const inForce = await this.#policies.put(params, bridge, wishes)
    const flags = portFlags(bridge.port.flags, params)
    if (port.master !== index) this.#putBack(port, { params, flags, bridge, index })
    else if (port.bridgePort?.hairpin !== flags.hairpin) rtnl.run(setBridgePort(port.index, flags))
    try {
      await this.#limitAnew(port, { endpoint, wishes })
    } catch (error) {
      await inForce.takeBack()
      throw error
    }
    inForce.settle()
  }

  /** Somebody has taken the port out of its bridge, and with it all that the bridge knew of it. */
  #putBack(port: Link, { params, flags, bridge, index }: PutBack): void {
    this.#machine.rtnl.batch([
      setLink(port.index, { master: index }),
      setBridgePort(port.index, flags),
      ...(bridge.port.isPinned ? [pin(port.index, params.interface.macAddress)] : []),
    ])
  }

  #count(networkId: string, change: 1 | -1): void {
    const members = (this.#members.get(networkId) ?? 0) + change
    if (members === 0) this.#members.delete(networkId)
    else this.#members.set(networkId, members)
  }

  /** Of a port that stands. */
  async #limitAnew(
    port: Link,
    { endpoint, wishes: { limits } }: { endpoint: EndpointRef; wishes: PolicyWishes },
  ): Promise<void> {
    const { shaper } = this.#policies
    if (isLimiting(limits) || !shaper.isFree(endpoint.endpointId))
      await shaper.set({ endpoint, port }, limits)
  }

  /** A port that is new and is not to be limited costs nothing. One that could not be limited does not stay. */
  async #limit(
    { link, isFound }: Port,
    { endpoint, wishes: { limits } }: { endpoint: EndpointRef; wishes: PolicyWishes },
  ): Promise<void> {
    const { shaper } = this.#policies
    if (!isLimiting(limits) && !isFound && !shaper.has(endpoint.endpointId)) {
      shaper.noteNew(endpoint.endpointId)
      return
    }
    try {
      await shaper.set({ endpoint, port: link }, limits)
    } catch (error) {
      if (!isFound) await this.#machine.deletions.delete(link.index)
      throw error
    }
  }

  async #plugInto(
    { index, plan: bridge, history }: StandingBridge,
    params: PlugParams,
    call: Call,
  ): Promise<PlugResult> {
    const plan = planEndpoint(params, bridge, this.#machine)
    const { macAddress, addresses } = plan
    const members = this.#members.get(params.network.id) ?? 0
    const isAnnounced = history.mayMatter(addresses, { macAddress, members })
    const repaired = (what: string) => call.repaired(what)
    const wishes = { ...(await this.#policies.plan(params, bridge)), isPlug: true }
    // First, so that nothing passes before it is judged.
    const inForce = await this.#policies.put(params, bridge, wishes)
    try {
      const port = await plug({ rtnl: this.#machine.rtnl, plan, bridge: index, isAnnounced, repaired })
      await this.#limit(port, { endpoint: refOf(params), wishes })
    } catch (error) {
      await inForce.takeBack()
      throw error
    }
    inForce.settle()
    // Only now: a plug that failed has told nobody.
    history.note(addresses, macAddress)
    return resultOf(plan)
  }
}

type PutBack = {
  readonly params: PolicyParams
  readonly flags: ReturnType<typeof portFlags>
  readonly bridge: BridgePlan
  readonly index: number
}

const refOf = ({ network, endpointId }: CreateEndpointParams): EndpointRef => ({
  networkId: network.id,
  endpointId,
})
