// Ports that are given out: those that the kernel may give to outgoing connections too, and those that nothing reaches. Each code is explained in
// docs/operating.md.
import type { PortMapping } from '@conet/sdk'
import { isAllOfFamily } from '../ports/index.ts'
import { type Check, counted, some } from './check.ts'
import type { MachineFacts } from './facts.ts'

type Range = { readonly first: number; readonly last: number }

export const portPoolEphemeral: Check = ({ machine, portPool: { start, size } }) => {
  const ephemeral = ephemeralRange(machine)
  const pool = { first: start, last: start + size - 1 }
  if (ephemeral === undefined || !isInTheWay(pool, ephemeral)) return []
  return [
    {
      severity: 'warning',
      code: 'port-pool-ephemeral',
      message: `ports ${pool.first}-${pool.last}, which containers get, meet ${ephemeral.first}-${ephemeral.last}, which outgoing connections of this machine get`,
      help: reserve(pool),
    },
  ]
}

/** Those of the pool are told of as a whole. */
export const mappedPortsEphemeral: Check = ({ machine, endpoints, portPool: { start, size } }) => {
  const ephemeral = ephemeralRange(machine)
  if (ephemeral === undefined) return []
  const found = endpoints.flatMap(({ handle, portMappings = [] }) =>
    portMappings
      .map(rangeOf)
      .filter(
        (range) => isInTheWay(range, ephemeral) && !meet(range, { first: start, last: start + size - 1 }),
      )
      .map((range) => ({ range, text: `${textOf(range)} of ${handle}` })),
  )
  const [first] = found
  if (first === undefined) return []
  return [
    {
      severity: 'info',
      code: 'mapped-ports-ephemeral',
      message: `${counted(found.length, 'port mapping')} ${found.length === 1 ? 'meets' : 'meet'} ${ephemeral.first}-${ephemeral.last}, from which outgoing connections of this machine get their ports: ${some(found.map(({ text }) => text))}`,
      help: reserve(first.range),
    },
  ]
}

/** Of addresses that may come later, as by DHCP: no reason to refuse them. */
export const mappedPortsNowhere: Check = ({ machine: { addresses }, endpoints }) => {
  const found = endpoints.flatMap(({ handle, portMappings = [] }) =>
    portMappings
      .filter(({ hostAddress }) => hostAddress !== undefined && !isHere(hostAddress, addresses))
      .map((mapping) => `${mapping.hostAddress} port ${textOf(rangeOf(mapping))} of ${handle}`),
  )
  if (found.length === 0) return []
  return [
    {
      severity: 'warning',
      code: 'mapped-ports-nowhere',
      message: `${counted(found.length, 'port mapping')} at addresses that this machine does not have: ${some(found)}`,
      help: 'give the address to an interface, or name another host_address in the policy',
    },
  ]
}

function isHere(address: string, ofMachine: ReadonlySet<string>): boolean {
  return isAllOfFamily(address) || address.startsWith('127.') || ofMachine.has(address)
}

type Ephemeral = Range & { readonly reserved: readonly Range[] }

function ephemeralRange({ ephemeralPorts = '', reservedPorts = '' }: MachineFacts): Ephemeral | undefined {
  const [first = Number.NaN, last = Number.NaN] = ephemeralPorts.trim().split(/\s+/).map(Number)
  const texts = reservedPorts.trim() === '' ? [] : reservedPorts.trim().split(',')
  const reserved = texts.map((text) => {
    const [start = Number.NaN, end = start] = text.split('-').map(Number)
    return { first: start, last: end }
  })
  return Number.isNaN(first + last) ? undefined : { first, last, reserved }
}

/** A connection may get a port of the range: one that is not reserved. */
function isInTheWay(range: Range, ephemeral: Ephemeral): boolean {
  let port = Math.max(range.first, ephemeral.first)
  const last = Math.min(range.last, ephemeral.last)
  // The kernel tells them in order, and joined.
  for (const { first, last: end } of ephemeral.reserved) if (first <= port && port <= end) port = end + 1
  return port <= last
}

function meet(one: Range, other: Range): boolean {
  return one.first <= other.last && other.first <= one.last
}

function rangeOf({ hostPort, count = 1 }: PortMapping): Range {
  return { first: hostPort, last: hostPort + count - 1 }
}

function textOf({ first, last }: Range): string {
  return first === last ? String(first) : `${first}-${last}`
}

function reserve(range: Range): string {
  return `keep them apart: sysctl -w net.ipv4.ip_local_reserved_ports=${textOf(range)}, or other ports (ports in the configuration)`
}
