// Limits on what a link sends and receives. Linux shapes what a link sends; so what comes from a container is
// redirected, as it arrives, to an ifb link, which "sends" it on at a limited rate. With u32 and mirred because
// kernels without the matchall filter and the police action have these.
import { NLM_F } from '../netlink/constants.ts'
import { littleEndian } from '../netlink/host-order.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { RTM } from './constants.ts'
import { checkedIndex } from './link-attributes.ts'
import {
  INGRESS_HANDLE,
  TC_H,
  TCA,
  TCA_ACT,
  TCA_EGRESS_REDIR,
  TCA_MIRRED_PARMS,
  TCA_U32,
  trafficHeader,
} from './traffic-constants.ts'

const TCA_TBF = { PARMS: 1, RATE64: 4, BURST: 6 } as const
const TC_LINKLAYER_ETHERNET = 1
const TC_U32_TERMINAL = 1
const TC_ACT_STOLEN = 4
const ETH_P_ALL = 0x0003
const FILTER_PRIORITY = 1
const MAX_U32 = 0xffffffff

/** A token bucket; tc-tbf(8). */
export type EgressLimit = {
  /** Index of the interface whose sending is limited. */
  link: number
  rateBytesPerSecond: number
  /** How much may go at once after a pause; at least one packet as the link sees it (64 KiB with offloads). */
  burstBytes: number
  /** How much waits before packets are dropped. Default: what the rate sends in 50 ms, and the burst. */
  queueBytes?: number
}

/** From where to where arriving packets are redirected. */
export type IngressRedirect = {
  /** Index of the interface where the packets arrive. */
  link: number
  /** Index of the ifb. */
  target: number
}

/**
 * Limits what a link sends, in bytes a second, or changes its limit. May be repeated. Fails with ENODEV when there is
 * no link.
 */
export function limitEgress(limit: EgressLimit): RouteRequest {
  for (const [name, value] of Object.entries(limit)) {
    if (!Number.isInteger(value) || value < 1) throw new TypeError(`${name} ${value} of a traffic limit`)
  }
  const writer = trafficHeader({ link: limit.link, parent: TC_H.ROOT })
  writer.attributeString(TCA.KIND, 'tbf').nested(TCA.OPTIONS, (options) => writeTokenBucket(options, limit))
  return {
    operation: `limit what link ${limit.link} sends to ${limit.rateBytesPerSecond} bytes/s`,
    type: RTM.NEWQDISC,
    flags: NLM_F.CREATE | NLM_F.REPLACE,
    payload: writer.finish(),
  }
}

/** Lets a link send as fast as it can. Fails with ENOENT when there is no limit. */
export function removeEgressLimit(link: number): RouteRequest {
  const payload = trafficHeader({ link, parent: TC_H.ROOT }).finish()
  return { operation: `remove the limit of what link ${link} sends`, type: RTM.DELQDISC, flags: 0, payload }
}

/**
 * Sends all that arrives at a link through another one first. Two requests, to be run as one batch; fails with EEXIST
 * when the link has an ingress queue.
 */
export function redirectIngress({ link, target }: IngressRedirect): RouteRequest[] {
  const queue = trafficHeader({ link, parent: TC_H.INGRESS, handle: INGRESS_HANDLE })
  const filter = trafficHeader({
    link,
    parent: INGRESS_HANDLE,
    info: ((FILTER_PRIORITY << 16) | networkOrder(ETH_P_ALL)) >>> 0,
  })
  filter.attributeString(TCA.KIND, 'u32').nested(TCA.OPTIONS, (options) => {
    writeMatchAll(options)
    writeRedirect(options, checkedIndex(target))
  })
  const operation = `redirect what arrives at link ${link} to link ${target}`
  const flags = NLM_F.CREATE | NLM_F.EXCL
  return [
    {
      operation: `make the ingress queue of link ${link}`,
      type: RTM.NEWQDISC,
      flags,
      payload: queue.attributeString(TCA.KIND, 'ingress').finish(),
    },
    { operation, type: RTM.NEWTFILTER, flags, payload: filter.finish() },
  ]
}

/** Takes the ingress queue and every filter on it away. Fails with ENOENT or EINVAL when there is none. */
export function removeIngressRedirect(link: number): RouteRequest {
  const payload = trafficHeader({ link, parent: TC_H.INGRESS, handle: INGRESS_HANDLE }).finish()
  return { operation: `remove the ingress queue of link ${link}`, type: RTM.DELQDISC, flags: 0, payload }
}

/** struct tc_tbf_qopt, with no peak rate; and what does not fit it. */
function writeTokenBucket(options: PayloadWriter, limit: EgressLimit): void {
  const { rateBytesPerSecond, burstBytes } = limit
  const queueBytes = limit.queueBytes ?? Math.ceil(rateBytesPerSecond / 20) + burstBytes
  const parameters = new PayloadWriter()
    .u8(0)
    .u8(TC_LINKLAYER_ETHERNET)
    .zeros(6)
    .u32(Math.min(rateBytesPerSecond, MAX_U32))
    .zeros(12)
    .u32(Math.min(queueBytes, MAX_U32))
    .u32(0)
    .u32(0)
    .finish()
  options.attributeBytes(TCA_TBF.PARMS, parameters).attributeU32(TCA_TBF.BURST, burstBytes)
  if (rateBytesPerSecond > MAX_U32) options.attributeU64(TCA_TBF.RATE64, BigInt(rateBytesPerSecond))
}

/** struct tc_u32_sel and one key, whose empty mask fits every packet. */
function writeMatchAll(options: PayloadWriter): void {
  const selector = new PayloadWriter().u8(TC_U32_TERMINAL).u8(0).u8(1).zeros(13).zeros(16).finish()
  options.attributeBytes(TCA_U32.SEL, selector)
}

/** A list of one action: struct tc_mirred. */
function writeRedirect(options: PayloadWriter, target: number): void {
  const parameters = new PayloadWriter()
    .zeros(8)
    .u32(TC_ACT_STOLEN)
    .zeros(8)
    .u32(TCA_EGRESS_REDIR)
    .u32(target)
    .finish()
  options.nested(TCA_U32.ACT, (list) => {
    list.nested(1, (action) => {
      action.attributeString(TCA_ACT.KIND, 'mirred')
      action.nested(TCA_ACT.OPTIONS, (inner) => inner.attributeBytes(TCA_MIRRED_PARMS, parameters))
    })
  })
}

/** As the kernel compares it: the two bytes in network order, read as a number of the machine. */
function networkOrder(value: number): number {
  return new DataView(Uint8Array.of(value >> 8, value & 0xff).buffer).getUint16(0, littleEndian)
}
