// What clients ask of attachments, as the domain's records.
import { ConetError } from '@conet/sdk'
import type { AttachmentRequest } from '@conet/sdk/api'
import type { Attachment } from '../domain/container.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { parseRequestedAddresses, parseRequestedMac } from './requested-addresses.ts'

/** `at` opens the paths of wrong fields: `attach_to[1].`, or nothing. */
export function attachmentOf(request: AttachmentRequest, network: NetworkRecord, at: string): Attachment {
  const { interface: wanted, mac_address: mac, mtu, default_route: defaultRoute, options = {} } = request
  if (wanted === 'lo') refuseLoopback(at)
  const macAddress = mac === undefined ? undefined : parseRequestedMac(mac, `${at}mac_address`)
  return {
    name: request.name ?? network.name,
    networkId: network.id,
    addresses: parseRequestedAddresses(request.addresses ?? [], `${at}addresses`),
    options,
    ...(wanted === undefined ? {} : { interface: wanted }),
    ...(macAddress === undefined ? {} : { macAddress }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(defaultRoute === undefined ? {} : { defaultRoute }),
  }
}

/** The network's name, or with a number behind it for a further attachment to the same network. */
export function freeAttachmentName(networkName: string, attachments: readonly Attachment[]): string {
  const taken = new Set(attachments.map(({ name }) => name))
  if (!taken.has(networkName)) return networkName
  for (let n = 2; ; n++) if (!taken.has(`${networkName}-${n}`)) return `${networkName}-${n}`
}

function refuseLoopback(at: string): never {
  throw new ConetError('invalidArgument', `${at}interface: lo is the container's loopback`, {
    fields: [{ path: `${at}interface`, message: "lo is the container's loopback" }],
  })
}
