// Ports that somebody has changed: taken out of their bridge or down, with another MTU, allowed what they may not, or the
// bridge has forgotten who is behind them; with addresses of their own. What is in their sandboxes is not looked at.
import { type Address, KernelError, type Link, type Rtnl } from '../linux/index.ts'
import { strayAddresses } from './addresses.ts'
import { differencesOf } from './differences.ts'
import type { EndpointPlan } from './endpoint-plan.ts'
import { leadsFromLoopback } from './loopback.ts'
import { allFlags, hasPin, isSwitchedOff, portLink, strayEntry } from './port.ts'
import { inTurns } from './turns.ts'

/** What a port is since it was plugged in this process's life. */
export type ExpectedPort = Pick<EndpointPlan, 'port' | 'mtu' | 'macAddress'> & {
  /** Whether ports of the machine lead there, from 127.0.0.1 too. */
  readonly hasMappings: boolean
}

export type StandingPort = {
  readonly link: Link
  readonly bridge: {
    readonly name: string
    /** Undefined: it is not there. */
    readonly link: Pick<Link, 'index' | 'isUp'> | undefined
  }
  readonly expected: ExpectedPort | undefined
}

/** By link, in words. Changes nothing, and takes turns with others. */
export async function portFaults(rtnl: Rtnl, ports: readonly StandingPort[]): Promise<Map<Link, string>> {
  const faults = new Map<Link, string>()
  const addresses = new Map<number, Address[]>()
  for (const one of ports.length === 0 ? [] : rtnl.addresses())
    addresses.set(one.link, [...(addresses.get(one.link) ?? []), one])
  for await (const port of inTurns(ports)) {
    const fault = portFault(rtnl, port, addresses.get(port.link.index))
    if (fault !== undefined) faults.set(port.link, fault)
  }
  return faults
}

/** Undefined: all is well, or it is gone. */
function portFault(
  rtnl: Rtnl,
  { link, bridge, expected }: StandingPort,
  addresses: readonly Address[] = [],
): string | undefined {
  const { name, master, isUp } = link
  if (expected !== undefined && name !== expected.port.name)
    return `its port ${expected.port.name} is called ${name}`
  if (master === undefined || master !== bridge.link?.index)
    return `its port ${name} is not in the bridge ${bridge.name}`
  if (!isUp) return `its port ${name} is down`
  if (expected === undefined) return undefined
  const { port, macAddress, hasMappings } = expected
  const ofLink = differencesOf(link, portLink(expected))
  if (ofLink.length > 0) return `its port ${name} was changed: ${ofLink.join(', ')}`
  const [stray] = strayAddresses(addresses)
  if (stray !== undefined) return `its port ${name} has the address ${stray.address}`
  const ofPort = differencesOf(link.bridgePort ?? {}, allFlags(port.flags))
  if (ofPort.length > 0) return `what the bridge does at its port ${name} was changed: ${ofPort.join(', ')}`
  // A bridge that is down takes all its ports out of service, which is its network's fault.
  if (bridge.link.isUp && isSwitchedOff(link))
    return `the bridge ${bridge.name} neither takes nor sends anything at its port ${name}`
  if (port.isPinned && !isKnown(rtnl, link, macAddress))
    return `the bridge ${bridge.name} does not know that ${macAddress} is at its port ${name}`
  if (!port.isPinned && isLedElsewhere(rtnl, link, macAddress))
    return `the bridge ${bridge.name} leads what is sent to ${macAddress} elsewhere than to its port ${name}`
  if (!hasMappings || leadsFromLoopback(bridge.name)) return undefined
  return `its ports do not answer at 127.0.0.1: route_localnet of the bridge ${bridge.name} is off`
}

function isKnown(rtnl: Rtnl, { index }: Link, macAddress: string): boolean {
  return unlessGone(true, () => hasPin(rtnl, index, macAddress))
}

function isLedElsewhere(rtnl: Rtnl, link: Link, macAddress: string): boolean {
  return unlessGone(false, () => strayEntry(rtnl, link, macAddress) !== undefined)
}

/** Unplugged since the links were read, or the network deleted. */
function unlessGone(otherwise: boolean, look: () => boolean): boolean {
  try {
    return look()
  } catch (error) {
    if (KernelError.is(error, 'ENODEV')) return otherwise
    throw error
  }
}
