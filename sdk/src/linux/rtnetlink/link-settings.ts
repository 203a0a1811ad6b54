// What can be set of any link beside its name, addresses and place, and what a new one has.
import type { Attributes } from '../netlink/attributes.ts'
import type { PayloadWriter } from '../netlink/payload-writer.ts'
import { mac } from './attribute-table.ts'
import { IFF, IFLA, IFLA_PROTO_DOWN_REASON, type LinkHeader } from './link-attributes.ts'

/** Kernel's names, and what they do: ip-link(8). */
export type LinkSettings = {
  /** False: it neither asks nor answers by ARP (IFF_NOARP). */
  arp: boolean
  /** False: it says that it carries no multicast, and IPv6 finds no neighbours. */
  multicast: boolean
  allMulticast: boolean
  /** Switched on by hand; what others need for themselves, such as a bridge of its ports, is not told. */
  promiscuous: boolean
  dynamic: boolean
  trailers: boolean
  /** Where what is for all is sent. */
  broadcast: string
  /** It waits for somebody to say that it may go up. */
  dormant: boolean
  /** Somebody holds it down, whatever its state is. Few kinds of links can be. */
  protocolDown: boolean
}

/** Of a new link of Ethernet. */
export const usualLink: LinkSettings = {
  arp: true,
  multicast: true,
  allMulticast: false,
  promiscuous: false,
  dynamic: false,
  trailers: true,
  broadcast: 'ff:ff:ff:ff:ff:ff',
  dormant: false,
  protocolDown: false,
}

/** Which are not as a new link of Ethernet has them, but for what is set for who listens there, as by a bridge. */
export function linkSettingChanges(link: LinkSettings): (keyof LinkSettings)[] {
  return settingNames.filter((name) => link[name] !== usualLink[name])
}

const settingNames = [
  'arp',
  'multicast',
  'dynamic',
  'trailers',
  'broadcast',
  'dormant',
  'protocolDown',
] as const satisfies readonly (keyof LinkSettings)[]

type LinkFlag = Exclude<keyof LinkSettings, 'broadcast' | 'dormant' | 'protocolDown'> | 'up'

/** With the bits that the flag has where it is on, and where it is off. */
const flagBits: Readonly<Record<LinkFlag, { on: number; off: number }>> = {
  up: { on: IFF.UP, off: 0 },
  arp: { on: 0, off: IFF.NOARP },
  multicast: { on: IFF.MULTICAST, off: 0 },
  allMulticast: { on: IFF.ALLMULTI, off: 0 },
  promiscuous: { on: IFF.PROMISC, off: 0 },
  dynamic: { on: IFF.DYNAMIC, off: 0 },
  trailers: { on: 0, off: IFF.NOTRAILERS },
}

const flagNames = ['up', 'arp', 'multicast', 'allMulticast', 'promiscuous', 'dynamic', 'trailers'] as const

/** IF_OPER_… and IF_LINK_MODE_…, of <linux/if.h>. */
const operational = { testing: 4, dormant: 5, up: 6 } as const
const linkModes = { default: 0, dormant: 1 } as const

const broadcast = mac(IFLA.BROADCAST)

/** Of the flags only those that are given are ever changed. */
export function headerFlags(change: { [Flag in LinkFlag]?: boolean | undefined }): LinkHeader {
  let flags = 0
  let changed = 0
  for (const name of flagNames) {
    const wanted = change[name]
    if (wanted === undefined) continue
    const { on, off } = flagBits[name]
    flags |= wanted ? on : off
    changed |= on | off
  }
  return { flags, changed }
}

export function readLinkSettings(flags: number, attributes: Attributes): LinkSettings {
  const state = attributes.u8(IFLA.OPERSTATE)
  return {
    arp: (flags & IFF.NOARP) === 0,
    multicast: (flags & IFF.MULTICAST) !== 0,
    allMulticast: (flags & IFF.ALLMULTI) !== 0,
    promiscuous: (flags & IFF.PROMISC) !== 0,
    dynamic: (flags & IFF.DYNAMIC) !== 0,
    trailers: (flags & IFF.NOTRAILERS) === 0,
    broadcast: broadcast.read(attributes) ?? usualLink.broadcast,
    dormant:
      attributes.u8(IFLA.LINKMODE) === linkModes.dormant ||
      state === operational.dormant ||
      state === operational.testing,
    protocolDown: attributes.boolean(IFLA.PROTO_DOWN) ?? false,
  }
}

/** But for the flags, which stand in the header. */
export function writeLinkSettings(writer: PayloadWriter, change: Partial<LinkSettings>): void {
  const { dormant, protocolDown } = change
  broadcast.write(writer, change.broadcast)
  if (dormant !== undefined) {
    writer.attributeU8(IFLA.OPERSTATE, dormant ? operational.dormant : operational.up)
    writer.attributeU8(IFLA.LINKMODE, dormant ? linkModes.dormant : linkModes.default)
  }
  if (protocolDown === false) writeNoReasons(writer)
  writer.attributeBoolean(IFLA.PROTO_DOWN, protocolDown)
}

/** With a reason left the kernel refuses to end it (EBUSY). */
function writeNoReasons(writer: PayloadWriter): void {
  const all = 0xffffffff
  writer.nested(IFLA.PROTO_DOWN_REASON, (reason) =>
    reason.attributeU32(IFLA_PROTO_DOWN_REASON.MASK, all).attributeU32(IFLA_PROTO_DOWN_REASON.VALUE, 0),
  )
}
