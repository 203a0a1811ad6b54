// Limits that somebody has changed or taken away: what was set compared with what the kernel has. One list of links and one of
// queues for all endpoints, and one of filters for each whose sending is limited.
import type { Link, SendingQueue } from '../linux/index.ts'
import type { Machine } from './machine.ts'
import { type Bucket, leadsTo, type Shape, type TrafficShaper } from './traffic-shaper.ts'
import { inTurns } from './turns.ts'

/** A port and whose it is. */
export type LimitedPort = { readonly endpointId: string; readonly link: Pick<Link, 'index' | 'name'> }

/**
 * By endpoint, in words. Of those that this process has set, and not of those that change meanwhile. Changes nothing. It takes
 * turns with others: what was read before it may be old when it ends.
 */
export async function limitFaults(
  machine: Machine,
  { ports, shaper }: { ports: readonly LimitedPort[]; shaper: TrafficShaper },
): Promise<ReadonlyMap<string, string>> {
  const kernel = readQueues(machine)
  const shapes = ports.flatMap((port) => {
    const shape = shaper.shapeOf(port.endpointId)
    return shape === undefined ? [] : [{ port, shape }]
  })
  const faults = new Map<string, string>()
  for await (const { port, shape } of inTurns(shapes)) {
    if (shaper.shapeOf(port.endpointId) !== shape) continue
    const found = [ingressFault(kernel, port, shape), egressFault(kernel, port, shape)].filter(isText)
    if (found.length > 0) faults.set(port.endpointId, found.join('; '))
  }
  return faults
}

type Kernel = {
  readonly machine: Machine
  /** By the index of their link. */
  readonly buckets: ReadonlyMap<number, SendingQueue>
  readonly shapers: ReadonlyMap<string, Link>
}

function readQueues(machine: Machine): Kernel {
  const { rtnl } = machine
  const buckets = rtnl.sendingQueues().filter(({ kind }) => kind === 'tbf')
  return {
    machine,
    buckets: new Map(buckets.map((queue) => [queue.link, queue])),
    shapers: new Map(rtnl.links({ kind: 'ifb' }).map((link) => [link.name, link])),
  }
}

function ingressFault({ buckets }: Kernel, { link }: LimitedPort, { ingress }: Shape): string | undefined {
  const fault = bucketFault(ingress, buckets.get(link.index))
  return fault === undefined ? undefined : `its port ${link.name} ${fault}`
}

function egressFault(
  { machine: { rtnl, names }, buckets, shapers }: Kernel,
  { endpointId, link }: LimitedPort,
  { egress }: Shape,
): string | undefined {
  const name = names.shaper(endpointId)
  const shaper = shapers.get(name)
  if (egress === undefined)
    return shaper === undefined ? undefined : `${name} is there, which no policy asks for`
  if (shaper === undefined) return `${name}, which limits what it sends, does not exist`
  if (!shaper.isUp) return `${name}, which limits what it sends, is down`
  if (names.shapedEndpoint(shaper) !== endpointId)
    return `${name}, which limits what it sends, has lost its alias`
  const fault = bucketFault(egress, buckets.get(shaper.index))
  if (fault !== undefined) return `${name}, by which goes what it sends, ${fault}`
  const isLed = leadsTo(rtnl, { link: link.index, target: shaper.index })
  return isLed ? undefined : `what it sends does not go by ${name}, which limits it`
}

function bucketFault(wanted: Bucket | undefined, found: SendingQueue | undefined): string | undefined {
  if (wanted === undefined) return found === undefined ? undefined : 'has a limit that no policy asks for'
  if (found === undefined) return 'has lost its limit'
  const isSame = wanted.options === undefined || wanted.options === found.options
  return isSame ? undefined : 'has another limit'
}

const isText = (text: string | undefined) => text !== undefined
