// What clients ask of attachments, as the domain's records.
import { ConetError } from '@conet/sdk'
import type { AttachmentRequest } from '@conet/sdk/api'
import { interfaceNameFault } from '@conet/sdk/linux'
import type { Attachment } from '../domain/container.ts'
import { assertMtuFits, assertShareable, assertUsable, type NetworkRecord } from '../domain/network.ts'
import { resolveKey } from '../domain/resolve.ts'
import type { HostContext } from './host-context.ts'
import type { RequestFaults } from './request-faults.ts'
import { parseRequestedAddresses, parseRequestedMac } from './requested-addresses.ts'

type Wish = {
  readonly request: AttachmentRequest
  /** Opens the paths of wrong fields: `attach_to[1].`, or nothing. */
  readonly at: string
  /** Undefined if that field is wrong already: then nothing but the others is looked at. */
  readonly network: NetworkRecord | undefined
}

/** Notes all that can be known to be wrong before there is an endpoint: another may have an address until then. */
export function attachmentOf(
  host: HostContext,
  { request, at, network }: Wish,
  faults: RequestFaults,
): Attachment | undefined {
  const {
    interface: wanted,
    mac_address: mac,
    mtu,
    default_route: defaultRoute,
    primary,
    options = {},
  } = request
  if (wanted !== undefined) faults.of(() => refuseInterfaceName(wanted, `${at}interface`))
  const macAddress =
    mac === undefined ? undefined : faults.of(() => parseRequestedMac(mac, `${at}mac_address`))
  const list = { addresses: request.addresses ?? [], path: `${at}addresses` }
  const addresses = parseRequestedAddresses(list, faults, (address) => {
    if (network !== undefined) host.addresses.assertRequestable(network.id, address)
  })
  if (network === undefined) return undefined
  faults.of(() => assertMtuFits(network, request, `${at}mtu`))
  return {
    name: request.name ?? network.name,
    networkId: network.id,
    addresses,
    options,
    ...(wanted === undefined ? {} : { interface: wanted }),
    ...(macAddress === undefined ? {} : { macAddress }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(defaultRoute === undefined ? {} : { defaultRoute }),
    ...(primary === undefined ? {} : { primary }),
  }
}

/** The network that a request names at `path`. Throws for one that is gone, or that is another container's own. */
export function networkAt(host: HostContext, key: string, path: string): NetworkRecord {
  try {
    const network = resolveKey(key, host.inventory.networks.values(), 'network')
    assertUsable(network, 'attach to it')
    assertShareable(network)
    return network
  } catch (error) {
    if (!ConetError.is(error)) throw error
    const fields = [{ path, message: error.message }]
    throw new ConetError(error.kind, `${path}: ${error.message}`, {
      fields,
      details: { ...error.details },
      ...(error.help !== undefined && { help: error.help }),
    })
  }
}

/** The network's name, or with a number behind it for a further attachment to the same network. */
export function freeAttachmentName(networkName: string, attachments: readonly Attachment[]): string {
  const taken = new Set(attachments.map(({ name }) => name))
  if (!taken.has(networkName)) return networkName
  for (let n = 2; ; n++) if (!taken.has(`${networkName}-${n}`)) return `${networkName}-${n}`
}

function refuseInterfaceName(name: string, path: string): void {
  const fault = name === 'lo' ? "is the container's loopback" : interfaceNameFault(name)
  if (fault === undefined) return
  throw new ConetError('invalidArgument', `${path}: ${JSON.stringify(name)} ${fault}`, {
    fields: [{ path, message: fault }],
  })
}
