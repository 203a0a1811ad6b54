// Which interface an endpoint becomes: its name, and whether the default route goes through it.
import { ConetError } from '@conet/sdk'
import { type EndpointRecord, type InterfacePlan, interfaceNames } from './endpoint.ts'
import { hasWayOut, type NetworkRecord } from './network.ts'

/** As much of an endpoint, or of one that is to be, as decides about those after it. */
export type Placed = Pick<EndpointRecord, 'id' | 'networkId'> &
  Partial<Pick<EndpointRecord, 'state' | 'result'>> & {
    readonly interface: Pick<InterfacePlan, 'name' | 'defaultRoute'>
  }

type Beside = {
  /** What others than conet have put into the sandbox. */
  readonly foreign: readonly string[]
  readonly shared?: string | undefined
  readonly askedBeside?: string | undefined
  /** Names that the container's other attachments ask for, whether they are plugged or not. */
  readonly promised?: readonly string[]
}

/**
 * The one that the endpoint shares; else the name asked for, which must be free; else the first free ethN that no other
 * attachment asks for, but before it the name that another asks for behind the same interface. Where that is taken, its
 * own turn refuses it.
 */
export function chooseInterfaceName(
  wanted: string | undefined,
  endpoints: readonly Placed[],
  { foreign, shared, askedBeside, promised = [] }: Beside,
): string {
  if (shared !== undefined) return sharedName(wanted, shared)
  const taken = new Set([...endpoints.flatMap(interfaceNames), ...foreign, 'lo'])
  if (wanted !== undefined) {
    if (!taken.has(wanted)) return wanted
    throw new ConetError('conflict', `interface ${wanted} exists in the container already`, {
      fields: [{ path: 'interface', message: 'exists in the container already' }],
      help: 'choose another name, or leave it out to get the first free one',
    })
  }
  if (askedBeside !== undefined && !taken.has(askedBeside)) return askedBeside
  const kept = new Set([...taken, ...promised])
  for (let n = 0; ; n++) if (!kept.has(`eth${n}`)) return `eth${n}`
}

function sharedName(wanted: string | undefined, shared: string): string {
  if (wanted === undefined || wanted === shared) return shared
  throw new ConetError(
    'conflict',
    `interface ${wanted}: all networks of this driver are behind ${shared} in the container`,
    {
      fields: [{ path: 'interface', message: `must be ${shared}, behind which the others are` }],
      help: 'leave it out',
    },
  )
}

type Rivals = {
  readonly endpoints: readonly Placed[]
  readonly isPromised?: boolean
  /** For who is refused what one of them has. */
  nameOf?(holder: Placed): string
}

/**
 * The first endpoint with a way out gets the default route, unless the client says otherwise. `isPromised`: another
 * attachment of the container is to have it.
 */
export function chooseDefaultRoute(
  wanted: boolean | undefined,
  network: NetworkRecord,
  { endpoints, isPromised = false, nameOf = ({ id }) => `endpoint ${id}` }: Rivals,
): boolean {
  const holder = endpoints.find(
    (endpoint) => endpoint.interface.defaultRoute && endpoint.state !== 'deleting',
  )
  const hasGateway = hasWayOut(network)
  if (wanted === true && !hasGateway) {
    throw new ConetError('invalidArgument', `default_route: network ${network.name} has no gateway`, {
      fields: [{ path: 'default_route', message: 'the network has no gateway' }],
    })
  }
  if (wanted === true && holder !== undefined) {
    const name = nameOf(holder)
    throw new ConetError('conflict', `default_route: ${name} has the default route of the container`, {
      fields: [{ path: 'default_route', message: `${name} has it` }],
      help: `unplug that first (endpoint ${holder.id}), or leave the default route to it`,
    })
  }
  return wanted ?? (hasGateway && holder === undefined && !isPromised)
}
