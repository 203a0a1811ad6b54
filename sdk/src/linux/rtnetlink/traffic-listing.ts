// Reads what limits the sending of links, and where what arrives is redirected: what `traffic.ts` has made, and what others
// have made of it.
import { Attributes } from '../netlink/attributes.ts'
import { littleEndian, viewOf } from '../netlink/host-order.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { RTM } from './constants.ts'
import {
  INGRESS_HANDLE,
  TC_H,
  TCA,
  TCA_ACT,
  TCA_EGRESS_REDIR,
  TCA_MIRRED_PARMS,
  TCA_U32,
  TRAFFIC_HEADER_LENGTH,
  trafficHeader,
} from './traffic-constants.ts'

/** How a link sends: its root queue. */
export type SendingQueue = {
  /** Index of the interface. */
  readonly link: number
  /** `tbf` where its sending is limited as by `limitEgress`. */
  readonly kind: string
  /** Tells whether two queues of a kind do the same. Of one kernel. */
  readonly options: string
}

/** A filter that what arrives at a link meets. */
export type IngressFilter = {
  /** Undefined: it does something else. */
  readonly redirect: Redirect | undefined
}

/** Where a link's filter sends what arrives. */
export type Redirect = {
  /** Index of the ifb; 0: of one that somebody has deleted, so that all is dropped. */
  readonly target: number
  /** False: of some packets only. */
  readonly isOfAll: boolean
}

/** Of all links. */
export function listQueues(): RouteRequest {
  const payload = new PayloadWriter().zeros(TRAFFIC_HEADER_LENGTH).finish()
  return { operation: 'list queues', type: RTM.GETQDISC, flags: 0, payload }
}

/** Of one link; none where it has no ingress queue, or does not exist. */
export function listIngressFilters(link: number): RouteRequest {
  const payload = trafficHeader({ link, parent: INGRESS_HANDLE }).finish()
  return { operation: `list filters of link ${link}`, type: RTM.GETTFILTER, flags: 0, payload }
}

/** Undefined for all but root queues. */
export function parseSendingQueue({ type, payload }: NetlinkMessage): SendingQueue | undefined {
  if (type !== RTM.NEWQDISC || payload.length < TRAFFIC_HEADER_LENGTH) return undefined
  const view = viewOf(payload)
  if (view.getUint32(12, littleEndian) !== TC_H.ROOT) return undefined
  const attributes = new Attributes(payload.subarray(TRAFFIC_HEADER_LENGTH))
  return {
    link: view.getInt32(4, littleEndian),
    kind: attributes.string(TCA.KIND) ?? '',
    options: attributes.bytes(TCA.OPTIONS)?.toString('hex') ?? '',
  }
}

/** Undefined for what filters hang on, and for those that are asked only where another one says so (chains). */
export function parseIngressFilter({ type, payload }: NetlinkMessage): IngressFilter | undefined {
  if (type !== RTM.NEWTFILTER || payload.length < TRAFFIC_HEADER_LENGTH) return undefined
  const attributes = new Attributes(payload.subarray(TRAFFIC_HEADER_LENGTH))
  if ((attributes.u32(TCA.CHAIN) ?? 0) !== 0 || attributes.bytes(TCA.OPTIONS) === undefined) return undefined
  if (attributes.string(TCA.KIND) !== 'u32') return { redirect: undefined }
  const options = attributes.nested(TCA.OPTIONS)
  const selector = options.bytes(TCA_U32.SEL)
  if (selector === undefined) return undefined
  const [action] = options.nested(TCA_U32.ACT).all()
  const target = action === undefined ? undefined : targetOf(new Attributes(action))
  return { redirect: target === undefined ? undefined : { target, isOfAll: hasEmptyMasks(selector) } }
}

/** struct tc_mirred: that of every action (5 numbers), what it does, the interface. */
function targetOf(action: Attributes): number | undefined {
  const parameters = action.nested(TCA_ACT.OPTIONS).bytes(TCA_MIRRED_PARMS)
  if (action.string(TCA_ACT.KIND) !== 'mirred' || parameters === undefined) return undefined
  const view = viewOf(parameters)
  return view.getInt32(20, littleEndian) === TCA_EGRESS_REDIR ? view.getUint32(24, littleEndian) : undefined
}

/** struct tc_u32_sel: a head of 16 bytes, and keys of 16 that begin with their mask. */
function hasEmptyMasks(selector: Buffer): boolean {
  const view = viewOf(selector)
  for (let key = 16; key < selector.length; key += 16)
    if (view.getUint32(key, littleEndian) !== 0) return false
  return true
}
