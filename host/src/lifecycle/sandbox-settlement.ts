// What is left to the host in a sandbox: interfaces that the driver does not configure, and source routing where
// one container has several endpoints in one network. `settle` at plug, `unsettle` before unplug.
import type { PluggedInterface, PlugResult } from '@conet/sdk'
import type { SandboxRecord } from '../domain/container.ts'
import { type EndpointRecord, isInSandbox } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import {
  configureInterface,
  forgetSourceRouting,
  isSandboxGone,
  returnInterface,
  routeBySource,
} from '../sandbox/index.ts'
import type { HostContext } from './host-context.ts'

type Placed = { endpoint: EndpointRecord; network: NetworkRecord; sandbox: SandboxRecord }

/** May be repeated. */
export async function settleInSandbox(host: HostContext, placed: Placed, result: PlugResult): Promise<void> {
  for (const plugged of result.interfaces) {
    if (plugged.configuredBy === 'host') await configureInterface(placed.sandbox.path, plugged)
  }
  const siblings = siblingsOf(host, placed.endpoint)
  if (siblings.length === 0) return
  const gateways = placed.network.subnets.flatMap(({ gateway }) => (gateway === undefined ? [] : [gateway]))
  const all = [...siblings.flatMap(({ result: theirs }) => theirs?.interfaces ?? []), ...result.interfaces]
  for (const plugged of all) routeBySource(placed.sandbox.path, plugged, gateways)
}

/** Takes back what `settleInSandbox` did. Fine when the sandbox is gone, and everything in it. */
export function unsettle(host: HostContext, endpoint: EndpointRecord, sandbox: SandboxRecord): void {
  const interfaces = endpoint.result?.interfaces ?? []
  const siblings = siblingsOf(host, endpoint)
  // One that is alone from now on needs no rules, and when it goes nobody looks for any.
  const alone = siblings.length === 1 ? siblings.flatMap(({ result }) => result?.interfaces ?? []) : []
  if (siblings.length > 0) forgetRules(sandbox, [...interfaces, ...alone])
  for (const plugged of interfaces) {
    if (plugged.configuredBy === 'host') returnInterface(sandbox.path, plugged)
  }
}

function forgetRules(sandbox: SandboxRecord, interfaces: readonly PluggedInterface[]): void {
  try {
    forgetSourceRouting(
      sandbox.path,
      interfaces.flatMap(({ addresses }) => addresses),
    )
  } catch (error) {
    if (!isSandboxGone(error)) throw error
  }
}

function siblingsOf(host: HostContext, { id, networkId, handle, hold }: EndpointRecord): EndpointRecord[] {
  const endpoints = host.inventory.endpointsOfContainer(handle)
  return endpoints.filter(
    (other) => other.id !== id && other.networkId === networkId && other.hold === hold && isInSandbox(other),
  )
}
