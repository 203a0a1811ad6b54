// What requests about traffic control and their answers have in common: <linux/rtnetlink.h>, <linux/pkt_sched.h>, <linux/pkt_cls.h>.
import { PayloadWriter } from '../netlink/payload-writer.ts'
import { checkedIndex } from './link-attributes.ts'

export const TCA = { KIND: 1, OPTIONS: 2, CHAIN: 11 } as const
export const TCA_U32 = { SEL: 5, ACT: 7 } as const
export const TCA_ACT = { KIND: 1, OPTIONS: 2 } as const
export const TCA_MIRRED_PARMS = 2
export const TCA_EGRESS_REDIR = 1

/** What a queue is put below. */
export const TC_H = { ROOT: 0xffffffff, INGRESS: 0xfffffff1 } as const
export const INGRESS_HANDLE = 0xffff0000

/** struct tcmsg: family, interface index, handle, parent, info; each 4 bytes. */
export const TRAFFIC_HEADER_LENGTH = 20

export type TrafficHeader = { link: number; parent: number; handle?: number; info?: number }

export function trafficHeader({ link, parent, handle = 0, info = 0 }: TrafficHeader): PayloadWriter {
  return new PayloadWriter().zeros(4).u32(checkedIndex(link)).u32(handle).u32(parent).u32(info)
}
