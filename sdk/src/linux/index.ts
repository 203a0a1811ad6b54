export { type Announcement, announce } from './announce.ts'
export { DirectoryLock, type DirectoryLockResult, type HeldLock, heldLocks } from './directory-lock.ts'
export { FileLock, type LockResult } from './file-lock.ts'
export { type OpenSocket, OpenSockets } from './inet-diag.ts'
export { KernelError, type KernelErrorOptions } from './kernel-error.ts'
export { bindInMountNamespace, type MountPlan } from './mount-namespace.ts'
export { Namespace, type Place } from './namespace.ts'
export { prepareNamespaceDirectory, releaseNamespaceDirectory } from './namespace-directory.ts'
export type { NamespaceHandle } from './namespace-handle.ts'
export { bindNamespace, deleteNamespace, isNamespacePath, makeNamespace } from './namespace-path.ts'
export { type NamespaceType, namespaceTypeOf } from './namespace-type.ts'
export type { ChainRest } from './netfilter/legacy-entries.ts'
export { type LegacyForwardChain, listLegacyForwardChains } from './netfilter/legacy-tables.ts'
export { newRoute } from './new-route.ts'
export { Nftables, type NftablesObject } from './nftables.ts'
export { nftInterfaceName, nftName, nftString } from './nftables-text.ts'
export * from './rtnetlink/index.ts'
export { openSandbox } from './sandbox.ts'
export { abortConnections, type Connection } from './socket-abort.ts'
export {
  interfaceSysctl,
  readSysctl,
  readSysctlIfThere,
  type SysctlChange,
  type SysctlKey,
  sysctlOfPath,
  writeSysctl,
} from './sysctl.ts'
