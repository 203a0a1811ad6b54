// What can be said of a route beside where it leads, in words of ip-route(8).
import type { Attributes } from '../netlink/attributes.ts'

const RTA = {
  SRC: 2,
  METRICS: 8,
  MULTIPATH: 9,
  FLOW: 11,
  PREF: 20,
  ENCAP_TYPE: 21,
  TTL_PROPAGATE: 26,
  NH_ID: 30,
} as const

const RTAX_LOCK = 1

/** RTAX_…, of <linux/rtnetlink.h>, from 2 on: what stands behind the lock. */
const metricNames = [
  'mtu',
  'window',
  'rtt',
  'rttvar',
  'ssthresh',
  'cwnd',
  'advmss',
  'reordering',
  'hoplimit',
  'initcwnd',
  'features',
  'rto_min',
  'initrwnd',
  'quickack',
  'congctl',
  'fastopen_no_cookie',
] as const

/** `mtu 1300`, `mtu lock 1300`, `realm 5`, … Of a usual route there are none. */
export function routeOptions(attributes: Attributes): string[] {
  const pref = attributes.u8(RTA.PREF)
  return [
    ...metricsOf(attributes.nested(RTA.METRICS)),
    ...said('realm', attributes.u32(RTA.FLOW)),
    ...said('pref', pref),
    ...said('encap', attributes.u16(RTA.ENCAP_TYPE)),
    ...said('nhid', attributes.u32(RTA.NH_ID)),
    ...(attributes.has(RTA.SRC) ? ['from'] : []),
    ...(attributes.has(RTA.MULTIPATH) ? ['nexthop'] : []),
    ...(attributes.has(RTA.TTL_PROPAGATE) ? ['ttl-propagate'] : []),
  ]
}

function metricsOf(metrics: Attributes): string[] {
  const locked = metrics.u32(RTAX_LOCK) ?? 0
  return metricNames.flatMap((name, at) => {
    const type = at + RTAX_LOCK + 1
    const lock = locked & (1 << type) ? ['lock'] : []
    const value = name === 'congctl' ? metrics.string(type) : metrics.u32(type)
    if (value === undefined && lock.length === 0) return []
    return [[name, ...lock, value ?? []].flat().join(' ')]
  })
}

function said(name: string, value: number | undefined): string[] {
  return value ? [`${name} ${value}`] : []
}
