// For drivers whose networks are Linux bridges and whose endpoints are veths: all but what makes theirs special.

export { isIpv6, leastIpv6Mtu, macOfNetwork } from './addressing.ts'
export { setLinkAnew, withoutKernelAddress } from './bridge-device.ts'
export { type BridgePlan, type BridgeWishes, planBridge } from './bridge-plan.ts'
export { differencesOf } from './differences.ts'
export type { BridgeExtension, BridgeNetworkKind, ExtensionWork, StandingBridge } from './kind.ts'
export type { Machine } from './machine.ts'
export { type BridgeNetworkMembers, bridgeNetworks } from './members.ts'
export { isLinkName, type LinkPrefixes, linkName, networkAlias, networkOfAlias } from './names.ts'
export { type GuardedDriver, guardNamespace } from './namespace-guard.ts'
export { egressConfig, PolicyDocument } from './policy/document.ts'
export { type EgressPlan, egressPlanOf, openEgress } from './policy/rules.ts'
