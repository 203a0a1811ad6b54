// What was asked of a container's attachments, when one of them cannot be plugged as it comes up: its client knows the list
// that it has configured, its runtime the one that it has sent.
import { ConetError } from '@conet/sdk'
import { AttachTo } from '@conet/sdk/api'
import { Value } from 'typebox/value'
import type { Attachment, ContainerRecord } from '../domain/container.ts'
import { meantBy } from '../domain/resolve.ts'
import type { HostContext } from './host-context.ts'
import { retold } from './retold.ts'

const wishes = ['addresses', 'mac_address', 'mtu', 'interface', 'default_route', 'options']

type Place = { container: ContainerRecord; attachment: Attachment }

/** The same error about that list, or what was given when it is about something else. */
export function aboutWishAtUp(host: HostContext, error: unknown, place: Place): unknown {
  const index = indexIn(host, place)
  if (!ConetError.is(error) || index < 0) return error
  const at = `attach_to[${index}].`
  const wrong = error.fields.filter(({ path }) => wishes.some((wish) => isBelow(path, wish)))
  if (wrong.length === 0) return ofAddress(error, place.attachment, at)
  return retold(error, {
    message: wrong.reduce((text, { path }) => placed(text, path, at), error.message),
    fields: error.fields.map((field) =>
      wrong.includes(field) ? { ...field, path: `${at}${field.path}` } : field,
    ),
  })
}

/** Where the list has it: others may have been plugged and unplugged since. -1: nowhere, as it was plugged. */
function indexIn({ inventory }: HostContext, { container, attachment }: Place): number {
  const { attach_to: asked } = container.config
  const network = inventory.networks.get(attachment.networkId)
  if (network === undefined || !Value.Check(AttachTo, asked)) return -1
  const networks = [...inventory.networks.values()]
  return asked.findIndex((entry) => {
    const { network: key, name = network.name } = typeof entry === 'string' ? { network: entry } : entry
    return name === attachment.name && meantBy(key, networks).includes(network)
  })
}

/** A name before the path may have the same word in it. */
function placed(text: string, path: string, at: string): string {
  const said = text.includes(`: ${path}: `) ? `: ${path}: ` : path
  return text.replace(said, (found) => found.replace(path, () => `${at}${path}`))
}

/** Who gives out addresses knows of no requests. */
function ofAddress(error: ConetError, { addresses }: Attachment, at: string): ConetError {
  const { address } = error.details
  const index = typeof address === 'string' ? addresses.indexOf(address) : -1
  if (error.fields.length > 0 || index < 0) return error
  return retold(error, { fields: [{ path: `${at}addresses[${index}]`, message: error.message }] })
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}.`) || path.startsWith(`${root}[`)
}
