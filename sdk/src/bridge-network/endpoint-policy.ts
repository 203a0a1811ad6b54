// What an endpoint wants of the table for policies and ports: computed before the kernel is touched, so that wrong input does
// nothing.
import { ConetError } from '../errors/index.ts'
import { parseIp, parsePrefix } from '../linux/index.ts'
import { concatenate } from '../linux/netfilter/index.ts'
import type { CreateEndpointParams, PortMapping } from '../protocol/index.ts'
import type { BridgePlan } from './bridge-plan.ts'
import { type CompiledEgress, compileEgress } from './firewall/compiled-egress.ts'
import type { EgressCompiler } from './firewall/egress-compiler.ts'
import { nameBytes } from './firewall/policy-chains.ts'
import type { Holding, TableElement } from './firewall/policy-elements.ts'
import { portBytes } from './firewall/policy-parts.ts'
import { openPolicy } from './firewall/policy-ruleset.ts'
import type { PolicyDocument } from './policy/document.ts'
import type { Family } from './policy/ranges.ts'
import { type EgressPolicy, egressPolicy, protocols } from './policy/rules.ts'

/** What an endpoint has: its policy for what it sends, and ports. */
export type EndpointWishes = {
  /** Read anew at each call: most changes find no flow to judge by it. */
  readonly egress: () => EgressPolicy
  readonly holding: Holding
}

const families = [4, 6] as const

type Address = { readonly family: Family; readonly bytes: Buffer }

/** What it is planned with; `table`: in which its policy is to be. */
export type PolicyPlace = {
  readonly document: PolicyDocument
  readonly bridge: BridgePlan
  readonly table: string
  readonly compiler: EgressCompiler
}

/** Throws `invalidArgument` that names the fields. */
export async function planEndpointPolicy(
  { endpointId, container, interface: { addresses: texts }, portMappings = [] }: CreateEndpointParams,
  { document: { net_out: netOut = [] }, bridge, table, compiler }: PolicyPlace,
): Promise<EndpointWishes> {
  const addresses = texts.map(addressOf)
  const ports = portMappings.flatMap((mapping, at) => portElements(mapping, { addresses, at, bridge }))
  // The usual case: it may do what all members of the network may, and costs no plug anything.
  const egress = () => egressPolicy(bridge.egress, netOut)
  if (netOut.length === 0) return { egress, holding: { elements: ports, chains: [] } }
  // It can send nothing in a family in which it has no address, but by the address of another.
  const own = families.filter((family) => addresses.some((address) => address.family === family))
  const logPrefix = logPrefixOf(endpointId, container.handle)
  const compiled = await compiler.compile({ network: bridge.egress, netOut, families: own, logPrefix, table })
  const sources = addresses.map((address) => sourceOf(address, { bridge, compiled }))
  return {
    egress,
    holding: { elements: [...sources, ...ports], chains: Object.values(compiled.chains) },
  }
}

/** What all members of a network have in common; nothing is looked up for bridges that are not there. */
export function networkHolding({ name, egress }: BridgePlan, table: string): Holding {
  const key = nameBytes(name)
  const members: TableElement[] = [
    { map: 'bridges', key, value: undefined },
    { map: 'peers', key: concatenate(key, key), value: undefined },
  ]
  const { chains } = compileEgress({ network: egress, netOut: [], families, logPrefix: '', table })
  const usual = families.flatMap((family): TableElement[] => {
    const policy = chains[family]?.name
    return policy === undefined ? [] : [{ map: `networks${family}`, key, value: { policy } }]
  })
  return { elements: [...members, ...usual], chains: Object.values(chains) }
}

function sourceOf(
  { family, bytes }: Address,
  { bridge, compiled }: { bridge: BridgePlan; compiled: CompiledEgress },
): TableElement {
  const policy = compiled.chains[family]?.name ?? openPolicy.name
  return { map: `sources${family}`, key: concatenate(nameBytes(bridge.name), bytes), value: { policy } }
}

/** Whose policy an element of the table names; undefined for others. */
export function sourceAddressOf({ map, key }: TableElement): Buffer | undefined {
  if (map === 'sources4') return key.subarray(-4)
  return map === 'sources6' ? key.subarray(-16) : undefined
}

type PortPlace = { addresses: readonly Address[]; at: number; bridge: BridgePlan }

function portElements(mapping: PortMapping, { addresses, at, bridge }: PortPlace): TableElement[] {
  const path = `policy.net_in[${at}]`
  const { protocol, hostPort, containerPort, count = 1, hostAddress } = mapping
  if (bridge.internal) throw invalid(path, 'the network is internal: nothing outside reaches its members')
  if (Math.max(hostPort, containerPort) + count - 1 > 65535) throw invalid(path, 'ends behind port 65535')
  const targets = targetsOf(addresses, hostAddress)
  if (targets.length === 0) {
    throw invalid(
      `${path}.host_address`,
      `the container has no address of the family of ${hostAddress ?? 'any'}`,
    )
  }
  const proto = Uint8Array.of(protocols[protocol])
  return targets.flatMap(({ family, bytes, host }) => [
    { map: `mirrors${family}`, key: concatenate(bytes, bytes), value: undefined } as const,
    ...Array.from({ length: count }, (_, n): TableElement => {
      const key = concatenate(...(host === undefined ? [] : [host]), proto, portBytes(hostPort + n))
      const value = concatenate(bytes, portBytes(containerPort + n))
      return { map: host === undefined ? `any_ports${family}` : `ports${family}`, key, value }
    }),
  ])
}

/** One address of each family that the mapping is for. `host`: undefined for every address of the machine. */
function targetsOf(addresses: readonly Address[], hostAddress: string | undefined) {
  const host = hostAddress === undefined ? undefined : addressOf(hostAddress)
  const isAny = host?.bytes.every((byte) => byte === 0) ?? true
  return families.flatMap((family) => {
    if (host !== undefined && host.family !== family) return []
    const target = addresses.find((address) => address.family === family)
    return target === undefined ? [] : [{ ...target, host: isAny ? undefined : host?.bytes }]
  })
}

function addressOf(text: string): Address {
  const { bytes } = text.includes('/') ? parsePrefix(text) : parseIp(text)
  return { family: bytes.length === 4 ? 4 : 6, bytes }
}

/** As long as nftables takes it. */
const mostPrefixBytes = 127
const idDigits = 12

/** What log lines of an endpoint begin with; the digits of its id are there however long the handle is. */
export function logPrefixOf(endpointId: string, handle: string): string {
  const bytes = new TextEncoder().encode(`conet ${endpointId.slice(0, idDigits)} ${onOneLine(handle)}`)
  // As of a stream that goes on: a character that is cut is left out, where its replacement would be longer than its rest.
  return `${new TextDecoder().decode(bytes.subarray(0, mostPrefixBytes - 1), { stream: true })} `
}

/** Handles of a runtime may hold anything: a line end begins no line of its own in a log, nor do others change how it reads. */
function onOneLine(handle: string): string {
  return handle.replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '?')
}

function invalid(path: string, message: string): ConetError {
  return new ConetError('invalidArgument', `${path}: ${message}`, { fields: [{ path, message }] })
}
