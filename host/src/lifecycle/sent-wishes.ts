// What a runtime asks of its container's attachments, when one of them cannot be plugged: it knows the list that it has sent.
import { ConetError } from '@conet/sdk'
import type { UpBody } from '@conet/sdk/api'
import type { Attachment, ContainerRecord } from '../domain/container.ts'
import { retold } from './retold.ts'

const wishes = ['addresses', 'mac_address', 'mtu', 'interface', 'default_route', 'options']

/** The same error about the list that was sent, or what was given when it is about something else. */
export function aboutWishAtUp(
  error: unknown,
  { container, attachment }: { container: ContainerRecord; attachment: Attachment },
  { attach_to: sent = [] }: UpBody,
): unknown {
  // Those that are named come before those that are specified.
  const index = container.attachments.findIndex(({ name }) => name === attachment.name)
  if (!ConetError.is(error) || index < 0 || index >= sent.length) return error
  const at = `attach_to[${index}].`
  const wrong = error.fields.filter(({ path }) => wishes.some((wish) => isBelow(path, wish)))
  if (wrong.length === 0) return ofAddress(error, attachment, at)
  return retold(error, {
    message: wrong.reduce((text, { path }) => placed(text, path, at), error.message),
    fields: error.fields.map((field) =>
      wrong.includes(field) ? { ...field, path: `${at}${field.path}` } : field,
    ),
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
