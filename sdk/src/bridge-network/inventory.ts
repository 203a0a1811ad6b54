// What exists, read from the kernel: the driver keeps no record of its own.

import { isNamespacePath } from '../linux/index.ts'
import type { ListedEndpoint } from '../protocol/index.ts'
import { faultText } from './fault-text.ts'
import { limitFaults } from './limit-faults.ts'
import type { Machine } from './machine.ts'
import { endpointOwner, pairsOwner } from './names.ts'
import type { PluggedPort, PluggedPorts } from './plugged-ports.ts'
import { portFaults } from './port-faults.ts'
import type { TrafficShaper } from './traffic-shaper.ts'

type KnownBridge = { readonly id: string; readonly macAddress: string }

type Look = Pick<Machine, 'rtnl' | 'names'>

/** `known`: by the names of bridges, whose aliases somebody may have taken away. */
export function listNetworks({ rtnl, names }: Look, known: ReadonlyMap<string, KnownBridge>): string[] {
  return rtnl.links({ kind: 'bridge' }).flatMap((link) => {
    const bridge = known.get(link.name)
    return names.networkOf(link) ?? (bridge && names.isBridgeOf(link, bridge) ? bridge.id : [])
  })
}

/** With what is wrong with their ports and limits. What is in their sandboxes is not looked at: of it, what their plugs have found. */
export async function listEndpoints(
  machine: Machine,
  { shaper, ports }: { shaper: TrafficShaper; ports: PluggedPorts },
): Promise<ListedEndpoint[]> {
  const { rtnl, names } = machine
  // Before the kernel is asked: what is plugged meanwhile is not missed.
  const noted = ports.all()
  const bridges = new Map(rtnl.links({ kind: 'bridge' }).map((link) => [link.name, link]))
  const found = rtnl.links({ kind: 'veth' }).flatMap((link) => {
    const plugged = ports.at(link)
    const endpoint = names.endpointOf(link) ?? plugged?.endpoint
    return endpoint === undefined ? [] : [{ endpoint, endpointId: endpoint.endpointId, link, plugged }]
  })
  const damaged = machine.policyTable.damagedOwners()
  const ofPorts = await portFaults(
    rtnl,
    found.map(({ endpoint, link, plugged }) => {
      const name = names.bridge(endpoint.networkId)
      return { link, bridge: { name, link: bridges.get(name) }, expected: plugged }
    }),
  )
  const faults = await limitFaults(machine, { ports: found, shaper })
  const listed = found.map(({ endpoint, endpointId, link, plugged }) => {
    const isDamaged = [endpointOwner, pairsOwner].some((ownerOf) => damaged.has(ownerOf(endpointId)))
    const ofTable = isDamaged ? tableFault(machine) : undefined
    const first = ofPorts.get(link) ?? faults.get(endpointId) ?? ofTable ?? plugged?.lack
    const fault = first === undefined ? undefined : faultText([first])
    return { ...endpoint, ...(fault !== undefined && { fault }) }
  })
  const shown = new Set(found.map(({ endpointId }) => endpointId))
  const lost = noted.filter(({ endpoint }) => !shown.has(endpoint.endpointId))
  return [...listed, ...lost.filter((port) => isLost(rtnl, ports, port)).map(lostPort)]
}

/** Deleted by somebody, or moved to another network namespace; neither unplugged nor plugged anew since. With its sandbox it may go. */
function isLost(rtnl: Look['rtnl'], ports: PluggedPorts, plugged: PluggedPort): boolean {
  const { name } = plugged.port
  return (
    ports.get(name) === plugged && rtnl.link(name)?.kind !== 'veth' && isNamespacePath(plugged.sandboxPath)
  )
}

function lostPort({ endpoint, port }: PluggedPort): ListedEndpoint {
  return { ...endpoint, fault: `its port ${port.name} is not there` }
}

export const tableFault = ({ policyTable: { name } }: Machine) =>
  `its policy or ports were changed in the table ${name} of the firewall`

/** Deletes what a death of the driver left half made. */
export async function sweep({ rtnl, names, deletions }: Look & Pick<Machine, 'deletions'>): Promise<void> {
  const halfMade = rtnl.links().filter((link) => names.isHalfMade(link))
  await Promise.all(halfMade.map(({ index }) => deletions.delete(index)))
}
