// A driver that refuses an interface names fields of its protocol. Its client has asked for an attachment, and must learn
// which of those that it has sent, or configured before the container came up, cannot be had.
import { ConetError } from '@conet/sdk'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { retold } from './retold.ts'

/** The members of an attachment by those of the `interface` that its driver is asked for. */
const wishes: ReadonlyMap<string, string> = new Map([
  ['name', 'interface'],
  ['macAddress', 'mac_address'],
  ['mtu', 'mtu'],
  ['addresses', 'addresses'],
  ['defaultRoute', 'default_route'],
])

type Place = {
  readonly endpoint: Pick<EndpointRecord, 'handle' | 'attachment'>
  readonly network: Pick<NetworkRecord, 'name'>
}

/** Runs `work`, which calls the endpoint's driver; an error about its interface names what the client has asked for. */
export async function namingWish<T>(place: Place, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw ConetError.is(error) ? aboutWish(error, place) : error
  }
}

function aboutWish(error: ConetError, { endpoint, network }: Place): ConetError {
  const fields = error.fields.map(({ path, message }) => ({ path: wishOf(path), message }))
  if (error.fields.every(({ path }, index) => path === fields[index]?.path)) return error
  const { handle, attachment } = endpoint
  const words = fields.map(({ path, message }) => `${path}: ${message}`).join('; ')
  return retold(error, {
    message: `plug container ${handle}: attachment ${attachment} in network ${network.name}: ${words}`,
    fields,
    details: { ...error.details, container: handle, attachment, network: network.name },
  })
}

/** `interface.addresses[1]` → `addresses[1]`. */
function wishOf(path: string): string {
  const [, member = '', rest = ''] = /^interface\.(\w+)(.*)$/.exec(path) ?? []
  const wish = wishes.get(member)
  return wish === undefined ? path : `${wish}${rest}`
}
