// What a driver of the zoo makes in the kernel: a bridge a network, and a veth pair an endpoint, one end of it in the
// sandbox under the name that the host wants. Each step is a part that a mutation may replace.
import { ConetError, type PluggedInterface } from '@conet/sdk'
import {
  createBridge,
  createVeth,
  deleteLink,
  KernelError,
  type Namespace,
  openSandbox,
  Rtnl,
  replaceAddress,
  replaceNeighbour,
  replaceRoute,
  setLink,
  sysctlOfPath,
  writeSysctl,
} from '@conet/sdk/linux'

export type Kernel = {
  /** Throws what is wrong with a sandbox. */
  open(path: string): Namespace
  makeNetwork(networkId: string): void
  deleteNetwork(networkId: string): void
  /** Throws `conflict` when the name is somebody else's. */
  makePair(endpointId: string, sandbox: Namespace, wanted: PluggedInterface): void
  /** Makes the end in the sandbox as it should be, also where it was before. */
  configure(sandbox: Namespace, wanted: PluggedInterface): void
  /** Of a pair that is there: its MAC and MTU. */
  restore(sandbox: Namespace, wanted: PluggedInterface): void
  /** The pair is there. */
  mend(endpointId: string, sandbox: Namespace, wanted: PluggedInterface): void
  deletePair(endpointId: string): void
}

export const bridgeName = (networkId: string) => `zb${networkId.slice(0, 12)}`
export const portName = (endpointId: string) => `zp${endpointId.slice(0, 12)}`

export function hasPair(endpointId: string): boolean {
  using rtnl = Rtnl.open()
  return rtnl.link(portName(endpointId)) !== undefined
}

export function goodKernel(): Kernel {
  const kernel: Kernel = {
    open: openSandbox,
    makeNetwork,
    deleteNetwork: (networkId) => deleteOurs(bridgeName(networkId)),
    makePair,
    configure,
    restore,
    mend: (_endpointId, sandbox, wanted) => configure(sandbox, wanted),
    deletePair: (endpointId) => deleteOurs(portName(endpointId)),
  }
  return kernel
}

function makeNetwork(networkId: string): void {
  using rtnl = Rtnl.open()
  const name = bridgeName(networkId)
  if (rtnl.link(name) === undefined) rtnl.create(createBridge({ name }))
  rtnl.run(setLink(name, { up: true }))
}

function deleteOurs(name: string): void {
  using rtnl = Rtnl.open()
  rtnl.run(deleteLink(name), { tolerate: ['ENODEV'] })
}

function makePair(endpointId: string, sandbox: Namespace, wanted: PluggedInterface): void {
  using rtnl = Rtnl.open()
  const { name, macAddress, mtu } = wanted
  const peer = { name, macAddress, namespace: sandbox, ...(mtu !== undefined && { mtu }) }
  try {
    rtnl.create(createVeth({ name: portName(endpointId), peer, ...(mtu !== undefined && { mtu }) }))
  } catch (error) {
    if (!KernelError.is(error, 'EEXIST')) throw error
    throw new ConetError('conflict', `plug endpoint ${endpointId}: the sandbox has ${name} already`)
  }
  rtnl.run(setLink(portName(endpointId), { up: true }))
}

function restore(sandbox: Namespace, { name, macAddress, mtu }: PluggedInterface): void {
  using rtnl = Rtnl.openIn(sandbox)
  rtnl.run(setLink(name, { macAddress, ...(mtu !== undefined && { mtu }) }))
}

function configure(sandbox: Namespace, wanted: PluggedInterface): void {
  using rtnl = Rtnl.openIn(sandbox)
  const { index: link } = rtnl.existingLink(wanted.name)
  rtnl.run(setLink(link, { up: true }))
  for (const address of wanted.addresses) rtnl.run(replaceAddress({ link, address }))
  for (const { destination, gateway } of wanted.routes)
    rtnl.run(replaceRoute({ link, destination, ...(gateway !== undefined && { gateway }) }))
  for (const { address, macAddress } of wanted.neighbours ?? [])
    rtnl.run(replaceNeighbour({ link, address, macAddress }))
  for (const [path, value] of Object.entries(wanted.sysctls ?? {})) {
    const key = sysctlOfPath(path)
    if (key !== undefined) writeSysctl(sandbox, { key, value })
  }
}
