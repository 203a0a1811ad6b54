// Finding what a person names: by id, by an unambiguous prefix of the id, or by name.
import { ConetError } from '@conet/sdk'

/** Shorter prefixes are taken for names only. */
const shortestPrefix = 4

type Named = { readonly id: string; readonly name?: string }

/**
 * The one object that `key` names. An exact id wins over a name, a name over a prefix.
 * Throws `notFound`, or `invalidArgument` when a prefix fits several.
 */
export function resolveKey<T extends Named>(key: string, objects: Iterable<T>, what: string): T {
  const byPrefix: T[] = []
  let byName: T | undefined
  for (const object of objects) {
    if (object.id === key) return object
    if (object.name === key) byName = object
    if (key.length >= shortestPrefix && object.id.startsWith(key)) byPrefix.push(object)
  }
  if (byName !== undefined) return byName
  const [first, second] = byPrefix
  if (first === undefined) {
    throw new ConetError('notFound', `no ${what} has the id${what === 'network' ? ' or name' : ''} ${key}`, {
      details: { [what]: key },
    })
  }
  if (second !== undefined) {
    const candidates = byPrefix.map(({ id }) => id.slice(0, 12)).join(', ')
    throw new ConetError('invalidArgument', `${what} ${key}: the prefix fits several: ${candidates}`, {
      fields: [{ path: what, message: `the prefix fits several: ${candidates}` }],
    })
  }
  return first
}
