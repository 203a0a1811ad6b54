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
import { assertCarried, type EndpointPlan, planEndpoint, portFlags, resultOf } from './endpoint-plan.ts'
import { takeOut } from './former-interface.ts'
import { listEndpoints } from './inventory.ts'
import type { StandingBridge } from './kind.ts'
import type { Machine } from './machine.ts'
import type { Networks } from './networks.ts'
import { type Port, plug } from './plug.ts'
import type { MtuChange, PluggedPort, PluggedPorts } from './plugged-ports.ts'
import { hasMappings, type Policies, type PolicyWishes } from './policies.ts'
import { pin } from './port.ts'
import { isLimiting } from './traffic-shaper.ts'

export class Endpoints {
  readonly #machine: Machine
  readonly #networks: Networks
  readonly #policies: Policies
  readonly #created = new Map<string, CreateEndpointParams>()
  readonly #ports: PluggedPorts
  /** How many endpoints each network has. */
  readonly #members = new Map<string, number>()

  constructor(machine: Machine, { networks, policies }: { networks: Networks; policies: Policies }) {
    this.#machine = machine
    this.#networks = networks
    this.#policies = policies
    this.#ports = machine.ports
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

  /** Those that have not followed are at fault from now on. */
  changeMtu(networkId: string, change: MtuChange): void {
    this.#ports.changeMtu(networkId, change)
  }

  /** Their network is gone, and what was plugged into it. */
  forgetAll(networkId: string): void {
    this.#ports.forgetAll(networkId)
    for (const [endpointId, { network }] of this.#created) {
      if (network.id === networkId) this.#created.delete(endpointId)
    }
  }

  async list(): Promise<ListedEndpoint[]> {
    const plugged = await listEndpoints(this.#machine, {
      shaper: this.#policies.shaper,
      ports: this.#ports,
    })
    const created = [...this.#created.values()].map(refOf)
    // What the kernel shows says more.
    const listed = [...created, ...plugged]
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

  /** The host's side is asked for, since the sandbox may be gone, and both ends go together; the sandbox where that side is not found. */
  async unplug(endpoint: EndpointRef): Promise<void> {
    const { rtnl, names, deletions } = this.#machine
    const name = names.port(endpoint.endpointId)
    const named = rtnl.link(name)
    const link = named === undefined || this.#isPortOf(named, endpoint) ? named : undefined
    const own = link ?? this.#ports.renamed(name)
    const plugged = this.#ports.get(name)
    const takeAway = async () =>
      own === undefined ? plugged && takeOut(plugged) : await deletions.delete(own.index)
    await allOf([this.#ports.remove(name, takeAway), this.#policies.shaper.delete(endpoint.endpointId)])
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
    if (port === undefined || !this.#isPortOf(port, endpoint)) return
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
    const plugged = this.#ports.get(port.name)
    if (plugged !== undefined) {
      const { holding } = wishes
      this.#ports.note({ ...plugged, port: { ...plugged.port, flags }, hasMappings: hasMappings(holding) })
    }
    await inForce.settle()
  }

  /** Whatever alias somebody has given it, as long as it is in the network's bridge. */
  #isPortOf(link: Link, endpoint: EndpointRef): boolean {
    const { rtnl, names } = this.#machine
    if (names.isPortOf(link, endpoint)) return true
    if (link.master === undefined || !names.isPort(link)) return false
    return link.master === rtnl.link(names.bridge(endpoint.networkId))?.index
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
    const shape = shaper.shapeOf(endpoint.endpointId)
    const isFree = shape !== undefined && !isLimiting(shape)
    if (isLimiting(limits) || !isFree) await shaper.set({ endpoint, port }, limits)
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
    const isUsedAddress = history.mayBeUsed(addresses)
    const wishes = { ...(await this.#policies.plan(params, bridge)), isPlug: true, isUsedAddress }
    // First, so that nothing passes before it is judged.
    const inForce = await this.#policies.put(params, bridge, wishes)
    let port: Port
    try {
      const { rtnl, afterAnswer } = this.#machine
      const plugged = this.#ports.get(plan.port.name)
      const former = this.#ports.nameBack(plan.port.name)
      if (former !== undefined) repaired(`port ${plan.port.name}: it was called ${former}`)
      assertCarried(rtnl, plan, bridge)
      const isAgain = call.isRepair === true || plugged?.sandboxPath === plan.sandboxPath
      const yielded = (what: string) => call.log('warn', what, { container: params.container.handle })
      const task = { rtnl, plan, bridge: index, isAnnounced, afterAnswer, isAgain, repaired, yielded }
      port = await plug({ ...task, plugged })
      await this.#limit(port, { endpoint: refOf(params), wishes })
    } catch (error) {
      await inForce.takeBack()
      throw error
    }
    this.#ports.note(
      pluggedPort(plan, { endpoint: refOf(params), index: port.link.index, wishes, lack: port.lack }),
    )
    await inForce.settle()
    // Only now: a plug that failed has told nobody.
    history.note(addresses, macAddress)
    // Last: what stands is judged and limited as was asked, whatever the container has in the way of a route.
    if (port.refusal !== undefined) throw port.refusal
    return resultOf(plan)
  }
}

/** Throws when all have ended: a repeated call finds nothing under way. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work)
  await Promise.all(work)
}

type PutBack = {
  readonly params: PolicyParams
  readonly flags: ReturnType<typeof portFlags>
  readonly bridge: BridgePlan
  readonly index: number
}

function pluggedPort(
  { port, mtu, macAddress, sandboxPath }: EndpointPlan,
  { wishes, ...where }: Pick<PluggedPort, 'endpoint' | 'index' | 'lack'> & { wishes: PolicyWishes },
): PluggedPort {
  return { ...where, port, mtu, macAddress, sandboxPath, hasMappings: hasMappings(wishes.holding) }
}

const refOf = ({ network, endpointId }: CreateEndpointParams): EndpointRef => ({
  networkId: network.id,
  endpointId,
})
