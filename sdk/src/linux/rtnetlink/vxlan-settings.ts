// What can be set of a vxlan link, and what a new one has.
import {
  type AttributeTable,
  address,
  bits,
  flag,
  linkIndex,
  oneOf,
  portRange,
  presence,
  u8,
  u16BigEndian,
  u32,
  u32BigEndian,
} from './attribute-table.ts'
import { IFLA_VXLAN } from './link-attributes.ts'

/** What can be changed while it is up. Kernel's names, and what they do: ip-link(8). */
export type VxlanSettings = {
  /** Source address of what is sent. The family stays. */
  localAddress: string | undefined
  /** Where everything goes that has no entry. The family stays; `0.0.0.0` or `::` takes it away. */
  remoteAddress: string | undefined
  ttl: number
  tos: number
  /** Of IPv6. */
  flowLabel: number
  dontFragment: keyof typeof vxlanFragmentModes
  /** Learn remote addresses from what arrives. The kernel's default is true. */
  learning: boolean
  ageingSeconds: number
  /** Hand what goes to an address of the machine itself to its own link of that VNI. */
  localBypass: boolean
}

/** What is fixed when it is made. */
export type FixedVxlanSettings = {
  /** 0 to 16,777,215. */
  vni: number
  /** UDP port; IANA's is 4789. */
  port: number
  /** Index of the link below. */
  device: number | undefined
  /** From which is sent, `LOW-HIGH`; `0-0` leaves them to the kernel. */
  sourcePorts: string
  /** Answer ARP and neighbour solicitations out of the neighbour table. */
  proxy: boolean
  /** Report unknown MAC (l2) and IP (l3) addresses to watchers. */
  l2Miss: boolean
  l3Miss: boolean
  /** Route in short what another host would route. */
  routeShortCircuit: boolean
  /** Take the TTL of the packet inside. */
  inheritTtl: boolean
  /** Entries that it learns at most; 0: any number. */
  mostLearned: number
  /** UDP checksums over IPv4. */
  udpChecksum: boolean
  /** None over IPv6. */
  udpZeroChecksumSent: boolean
  udpZeroChecksumAccepted: boolean
  remoteChecksumSent: boolean
  remoteChecksumAccepted: boolean
  remoteChecksumWhole: boolean
  groupPolicy: boolean
  genericProtocol: boolean
  /** Leave the VNI and both ends to who sends. */
  external: boolean
  vniFilter: boolean
  multicastRouting: boolean
  flowLabelPolicy: number
  /** Bits of the header that must be 0, in hexadecimal digits. */
  reservedBits: string
}

const vxlanFragmentModes = { unset: 0, set: 1, inherit: 2 } as const

/** Of a new vxlan. */
export const usualVxlan: VxlanSettings = {
  localAddress: undefined,
  remoteAddress: undefined,
  ttl: 0,
  tos: 0,
  flowLabel: 0,
  dontFragment: 'unset',
  learning: true,
  ageingSeconds: 300,
  localBypass: true,
}

/** The same of what is fixed when it is made. */
export const usualFixedVxlan: FixedVxlanSettings = {
  vni: 0,
  port: 0,
  device: undefined,
  sourcePorts: '0-0',
  proxy: false,
  l2Miss: false,
  l3Miss: false,
  routeShortCircuit: false,
  inheritTtl: false,
  mostLearned: 0,
  udpChecksum: true,
  udpZeroChecksumSent: false,
  udpZeroChecksumAccepted: false,
  remoteChecksumSent: false,
  remoteChecksumAccepted: false,
  remoteChecksumWhole: false,
  groupPolicy: false,
  genericProtocol: false,
  external: false,
  vniFilter: false,
  multicastRouting: false,
  flowLabelPolicy: 0,
  reservedBits: 'f7ffffff000000ff',
}

export const vxlanTable: AttributeTable<VxlanSettings> = {
  localAddress: address(IFLA_VXLAN.LOCAL, IFLA_VXLAN.LOCAL6),
  remoteAddress: address(IFLA_VXLAN.GROUP, IFLA_VXLAN.GROUP6),
  ttl: u8(IFLA_VXLAN.TTL),
  tos: u8(IFLA_VXLAN.TOS),
  flowLabel: u32BigEndian(IFLA_VXLAN.LABEL),
  dontFragment: oneOf(IFLA_VXLAN.DF, vxlanFragmentModes),
  learning: flag(IFLA_VXLAN.LEARNING),
  ageingSeconds: u32(IFLA_VXLAN.AGEING),
  localBypass: flag(IFLA_VXLAN.LOCALBYPASS),
}

export const fixedVxlanTable: AttributeTable<FixedVxlanSettings> = {
  vni: u32(IFLA_VXLAN.ID),
  port: u16BigEndian(IFLA_VXLAN.PORT),
  device: linkIndex(IFLA_VXLAN.LINK),
  sourcePorts: portRange(IFLA_VXLAN.PORT_RANGE),
  proxy: flag(IFLA_VXLAN.PROXY),
  l2Miss: flag(IFLA_VXLAN.L2MISS),
  l3Miss: flag(IFLA_VXLAN.L3MISS),
  routeShortCircuit: flag(IFLA_VXLAN.RSC),
  inheritTtl: presence(IFLA_VXLAN.TTL_INHERIT),
  mostLearned: u32(IFLA_VXLAN.LIMIT),
  udpChecksum: flag(IFLA_VXLAN.UDP_CSUM),
  udpZeroChecksumSent: flag(IFLA_VXLAN.UDP_ZERO_CSUM6_TX),
  udpZeroChecksumAccepted: flag(IFLA_VXLAN.UDP_ZERO_CSUM6_RX),
  remoteChecksumSent: flag(IFLA_VXLAN.REMCSUM_TX),
  remoteChecksumAccepted: flag(IFLA_VXLAN.REMCSUM_RX),
  remoteChecksumWhole: presence(IFLA_VXLAN.REMCSUM_NOPARTIAL),
  groupPolicy: presence(IFLA_VXLAN.GBP),
  genericProtocol: presence(IFLA_VXLAN.GPE),
  external: flag(IFLA_VXLAN.COLLECT_METADATA),
  vniFilter: flag(IFLA_VXLAN.VNIFILTER),
  multicastRouting: presence(IFLA_VXLAN.MC_ROUTE),
  flowLabelPolicy: u32(IFLA_VXLAN.LABEL_POLICY),
  reservedBits: bits(IFLA_VXLAN.RESERVED_BITS),
}
