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

/** RTAX_…, of <linux/rtnetlink.h>, from 1 on. */
const metricNames = [
  'lock',
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

/** `mtu 1300`, `realm 5`, … Of a usual route there are none. */
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
  return metricNames.flatMap((name, at) => {
    const type = at + 1
    if (!metrics.has(type)) return []
    return [`${name} ${name === 'congctl' ? metrics.string(type) : metrics.u32(type)}`]
  })
}

function said(name: string, value: number | undefined): string[] {
  return value ? [`${name} ${value}`] : []
}
