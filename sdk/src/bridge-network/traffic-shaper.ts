// Limits on what endpoints receive and send. The machine sends what a container receives, so its side of the veth has a token
// bucket; what a container sends takes a detour through an ifb link, which has the other.
import {
  createIfb,
  type Link,
  limitEgress,
  redirectIngress,
  removeEgressLimit,
  removeIngressRedirect,
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

export class TrafficShaper {
  readonly #machine: Machine
  /** Whether an endpoint is limited. Of those of a former process it is unknown until a call names them. */
  readonly #isLimited = new Map<string, boolean>()

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
      if (ports.has(names.port(endpointId))) this.#isLimited.set(endpointId, true)
      else await deletions.delete(link.index)
    }
  }

  /** Whether the endpoint may have a limit, as far as this process knows. */
  has(endpointId: string): boolean {
    return this.#isLimited.get(endpointId) ?? false
  }

  /** Whether this process knows that the endpoint has no limit. */
  isFree(endpointId: string): boolean {
    return this.#isLimited.get(endpointId) === false
  }

  /** Its port was made just now. */
  noteNew(endpointId: string): void {
    this.#isLimited.set(endpointId, false)
  }

  /** Brings both directions to these limits, whatever was before. May be repeated. */
  async set({ endpoint, port }: ShapedPort, { ingress, egress }: TrafficLimits): Promise<void> {
    const { rtnl } = this.#machine
    this.#isLimited.set(endpoint.endpointId, true)
    if (ingress === undefined) rtnl.run(removeEgressLimit(port.index), { tolerate: ['ENOENT', 'EINVAL'] })
    else rtnl.run(limitEgress({ link: port.index, ...bucketOf(ingress, port.mtu) }))
    if (egress === undefined) await this.#removeEgress({ endpoint, port })
    else this.#limitEgress({ endpoint, port }, egress)
    this.#isLimited.set(endpoint.endpointId, isLimiting({ ingress, egress }))
  }

  /** The veth is gone, or about to be; what is left is the ifb. May be repeated, and costs nothing where there was no limit. */
  async delete(endpointId: string): Promise<void> {
    const isLimited = this.has(endpointId)
    this.#isLimited.delete(endpointId)
    if (!isLimited) return
    const link = this.#link(endpointId)
    if (link !== undefined) await this.#machine.deletions.delete(link.index)
  }

  #limitEgress({ endpoint, port }: ShapedPort, rate: Rate): void {
    const { rtnl } = this.#machine
    const found = this.#link(endpoint.endpointId)
    // What led to one that somebody has deleted would drop everything before the new redirect is asked.
    if (found === undefined) rtnl.run(removeIngressRedirect(port.index), { tolerate: ['ENOENT', 'EINVAL'] })
    const target = (found ?? this.#makeLink(endpoint)).index
    rtnl.run(limitEgress({ link: target, ...bucketOf(rate, port.mtu) }))
    rtnl.batch(redirectIngress({ link: port.index, target }), { tolerate: ['EEXIST'] })
  }

  async #removeEgress({ endpoint, port }: ShapedPort): Promise<void> {
    const link = this.#link(endpoint.endpointId)
    if (link === undefined) return
    this.#machine.rtnl.run(removeIngressRedirect(port.index), { tolerate: ['ENOENT', 'EINVAL'] })
    await this.#machine.deletions.delete(link.index)
  }

  #link(endpointId: string): Link | undefined {
    const { rtnl, names } = this.#machine
    const link = rtnl.link(names.shaper(endpointId))
    return link?.kind === 'ifb' ? link : undefined
  }

  #makeLink(endpoint: EndpointRef): Link {
    const { rtnl, names } = this.#machine
    const link = rtnl.create(createIfb({ name: names.shaper(endpoint.endpointId) }))
    const mtu = link.mtu
    rtnl.batch([
      setLink(link.index, { alias: endpointAlias(endpoint), ...withoutKernelAddress(mtu) }),
      setLink(link.index, { up: true }),
    ])
    return link
  }
}

export function isLimiting({ ingress, egress }: TrafficLimits): boolean {
  return ingress !== undefined || egress !== undefined
}

/** A packet that does not fit the bucket never goes; a small bucket on a busy machine does not keep up with its rate. */
function bucketOf({ rate, burst = Math.ceil(rate * usualBurstSeconds) }: Rate, mtu: number) {
  const least = Math.max(mtu + ethernetBytes, Math.ceil(rate * leastBurstSeconds))
  return { rateBytesPerSecond: rate, burstBytes: Math.min(Math.max(burst, least), 0xffff_ffff) }
}
