// What only bridges, bridge ports, vxlan and macvlan links report of themselves.
import type { Attributes } from '../netlink/attributes.ts'
import { readAttributes } from './attribute-table.ts'
import { type BridgePortSettings, bridgePortTable, usualBridgePort } from './bridge-port-settings.ts'
import { type BridgeSettings, bridgeTable, usualBridge } from './bridge-settings.ts'
import { IFLA_BRPORT, IFLA_MACVLAN_MODE } from './link-attributes.ts'
import { portStates } from './link-change.ts'
import { macvlanModes, type NewMacvlan } from './link-create.ts'
import { nameOf } from './named-number.ts'
import {
  type FixedVxlanSettings,
  fixedVxlanTable,
  usualFixedVxlan,
  usualVxlan,
  type VxlanSettings,
  vxlanTable,
} from './vxlan-settings.ts'

/** What the kernel reports of a bridge. */
export type BridgeAttributes = BridgeSettings

/** What a bridge does at one of its ports, as the kernel reports it. */
export type BridgePortAttributes = BridgePortSettings & { state: keyof typeof portStates | undefined }

/** What the kernel reports of a vxlan link. */
export type VxlanAttributes = VxlanSettings & FixedVxlanSettings

/** What the kernel reports of a macvlan link. */
export type MacvlanAttributes = { mode: NewMacvlan['mode'] | undefined }

export function readBridge(data: Attributes): BridgeAttributes {
  return readAttributes(bridgeTable, usualBridge, data)
}

export function readBridgePort(data: Attributes): BridgePortAttributes {
  const state = nameOf(portStates, data.u8(IFLA_BRPORT.STATE))
  return { ...readAttributes(bridgePortTable, usualBridgePort, data), state }
}

export function readVxlan(data: Attributes): VxlanAttributes {
  return {
    ...readAttributes(vxlanTable, usualVxlan, data),
    ...readAttributes(fixedVxlanTable, usualFixedVxlan, data),
  }
}

export function readMacvlan(data: Attributes): MacvlanAttributes {
  return { mode: nameOf(macvlanModes, data.u32(IFLA_MACVLAN_MODE)) }
}
