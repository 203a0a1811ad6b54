// Limits on what endpoints receive and send. The machine sends what a container receives, so its side of the veth has a token
// bucket; what a container sends takes a detour through an ifb link, which has the other.
import {
  createIfb,
  type Link,
  limitEgress,
  redirectIngress,
  removeEgressLimit,
  removeIngressRedirect,
  type SendingQueue,
  setLink,
} from '../linux/index.ts'
import type { EndpointRef } from '../protocol/index.ts'
import { withoutKernelAddress } from './bridge-device.ts'
import type { Machine } from './machine.ts'
import { endpointAlias } from './names.ts'
import type { Rate } from './policy/document.ts'
import type { TrafficLimits } from './policy/limits.ts'

/** The kernel may be so late, and what it could have sent meanwhile would be lost to the rate. */
const leastBurstSeconds = 0.004
/** The same on a busy machine. */
const usualBurstSeconds = 0.05
/** What a packet has on the wire beyond its MTU. */
const ethernetBytes = 18

export type ShapedPort = { readonly endpoint: EndpointRef; readonly port: Pick<Link, 'index' | 'mtu'> }

/** What an endpoint was brought to: the queue of each direction, as the kernel shows it. */
export type Shape = {
  readonly ingress: Bucket | undefined
  readonly egress: Bucket | undefined
}

/** `options`: undefined where the kernel did not say. */
export type Bucket = { readonly options: SendingQueue['options'] | undefined }

const unlimited: Shape = { ingress: undefined, egress: undefined }

export class TrafficShaper {
  readonly #machine: Machine
  /** `unknown`: left by a former process, until a call names it; or being changed. */
  readonly #shapes = new Map<string, Shape | 'unknown'>()

  constructor(machine: Machine) {
    this.#machine = machine
  }

  /** Deletes the ifb links whose endpoints are gone, and knows the others. */
  async adopt(): Promise<void> {
    const { rtnl, names, deletions } = this.#machine
    const ports = new Set(rtnl.links({ kind: 'veth' }).map(({ name }) => name))
    for (const link of rtnl.links({ kind: 'ifb' })) {
      const endpointId = names.shapedEndpoint(link)
      if (endpointId === undefined) continue
      if (ports.has(names.port(endpointId))) this.#shapes.set(endpointId, 'unknown')
      else await deletions.delete(link.index)
    }
  }

  /** Whether the endpoint may have a limit, as far as this process knows. */
  has(endpointId: string): boolean {
    const shape = this.#shapes.get(endpointId)
    return shape === 'unknown' || (shape !== undefined && isLimiting(shape))
  }

  /** What it was brought to, where this process has done so. */
  shapeOf(endpointId: string): Shape | undefined {
    const shape = this.#shapes.get(endpointId)
    return shape === 'unknown' ? undefined : shape
  }

  /** Its port was made just now. */
  noteNew(endpointId: string): void {
    this.#shapes.set(endpointId, unlimited)
  }

  /** Brings both directions to these limits, whatever was before. May be repeated. */
  async set({ endpoint, port }: ShapedPort, limits: TrafficLimits): Promise<void> {
    this.#shapes.set(endpoint.endpointId, 'unknown')
    const ingress = this.#setIngress(port, limits.ingress)
    const egress = await this.#setEgress({ endpoint, port }, limits.egress)
    this.#shapes.set(endpoint.endpointId, { ingress, egress })
  }

  /** The veth is gone, or about to be; what is left is the ifb. May be repeated, and costs nothing where there was no limit. */
  async delete(endpointId: string): Promise<void> {
    const isLimited = this.has(endpointId)
    this.#shapes.delete(endpointId)
    if (!isLimited) return
    const link = this.#link(endpointId)
    if (link !== undefined) await this.#machine.deletions.delete(link.index)
  }

  #setIngress({ index, mtu }: ShapedPort['port'], rate: Rate | undefined): Bucket | undefined {
    const { rtnl } = this.#machine
    if (rate !== undefined) return this.#limit(index, bucketOf(rate, mtu))
    rtnl.run(removeEgressLimit(index), { tolerate: ['ENOENT', 'EINVAL'] })
    return undefined
  }

  async #setEgress({ endpoint, port }: ShapedPort, rate: Rate | undefined): Promise<Bucket | undefined> {
    const found = this.#link(endpoint.endpointId)
    if (rate !== undefined) return this.#limitEgress({ endpoint, port }, { rate, found })
    if (found === undefined) return undefined
    this.#machine.rtnl.run(removeIngressRedirect(port.index), { tolerate: ['ENOENT', 'EINVAL'] })
    await this.#machine.deletions.delete(found.index)
    return undefined
  }

  #limitEgress(
    { endpoint, port }: ShapedPort,
    { rate, found }: { rate: Rate; found: Link | undefined },
  ): Bucket {
    const { rtnl } = this.#machine
    const target = found ?? this.#makeLink(endpoint)
    const alias = endpointAlias(endpoint)
    if (target.alias !== alias) rtnl.run(setLink(target.index, { alias }))
    if (!target.isUp) rtnl.run(setLink(target.index, { up: true }))
    const bucket = this.#limit(target.index, bucketOf(rate, port.mtu))
    if (!leadsTo(rtnl, { link: port.index, target: target.index })) {
      // Whatever is there: what leads to a link that somebody has deleted drops everything.
      rtnl.run(removeIngressRedirect(port.index), { tolerate: ['ENOENT', 'EINVAL'] })
      rtnl.batch(redirectIngress({ link: port.index, target: target.index }))
    }
    return bucket
  }

  #limit(link: number, bucket: ReturnType<typeof bucketOf>): Bucket {
    const queue = this.#machine.rtnl.limit(limitEgress({ link, ...bucket }))
    return { options: queue?.options }
  }

  #link(endpointId: string): Link | undefined {
    const { rtnl, names } = this.#machine
    const link = rtnl.link(names.shaper(endpointId))
    return link?.kind === 'ifb' ? link : undefined
  }

  #makeLink(endpoint: EndpointRef): Pick<Link, 'index' | 'alias' | 'isUp'> {
    const { rtnl, names } = this.#machine
    const { index, mtu } = rtnl.create(createIfb({ name: names.shaper(endpoint.endpointId) }))
    const alias = endpointAlias(endpoint)
    rtnl.batch([setLink(index, { alias, ...withoutKernelAddress(mtu) }), setLink(index, { up: true })])
    return { index, alias, isUp: true }
  }
}

/**
 * Whether all that arrives at a link takes the detour by the target: nothing is asked before the filter that sends it there. One
 * dump of the link's filters.
 */
export function leadsTo(
  rtnl: Machine['rtnl'],
  { link, target }: { readonly link: number; readonly target: number },
): boolean {
  const [first] = rtnl.ingressFilters({ link })
  return first?.redirect?.target === target && first.redirect.isOfAll
}

export function isLimiting({ ingress, egress }: TrafficLimits | Shape): boolean {
  return ingress !== undefined || egress !== undefined
}

/** A packet that does not fit the bucket never goes; a small bucket on a busy machine does not keep up with its rate. */
function bucketOf({ rate, burst = 0 }: Rate, mtu: number) {
  const wanted = burst === 0 ? Math.ceil(rate * usualBurstSeconds) : burst
  const least = Math.max(mtu + ethernetBytes, Math.ceil(rate * leastBurstSeconds))
  return { rateBytesPerSecond: rate, burstBytes: Math.min(Math.max(wanted, least), 0xffff_ffff) }
}
