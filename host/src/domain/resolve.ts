// Finding what a person names: by id, by an unambiguous prefix of the id, or by name.
import { ConetError } from '@conet/sdk'

/** Shorter prefixes are taken for names only. */
export const shortestPrefix = 4

type Named = { readonly id: string; readonly name?: string }

/** All that `key` may mean. An exact id wins over a name, a name over a prefix. */
export function meantBy<T extends Named>(key: string, objects: Iterable<T>): T[] {
  const byPrefix: T[] = []
  const byName: T[] = []
  for (const object of objects) {
    if (object.id === key) return [object]
    if (object.name === key) byName.push(object)
    if (object.id.startsWith(key)) byPrefix.push(object)
  }
  return byName.length > 0 || key.length < shortestPrefix ? byName : byPrefix
}

/**
 * The one object that `key` names, of those that it may mean.
 * Throws `notFound`, or `invalidArgument` when a prefix fits several, or a name: a network of this host's own and one of
 * its cluster may have the same.
 */
export function resolveKey<T extends Named>(key: string, objects: Iterable<T>, what: string): T {
  const all = [...objects]
  const found = meantBy(key, all)
  const [first, second] = found
  if (first === undefined) {
    // What has no name can only be meant by its id.
    const isMeant = what === 'endpoint' || all.some(({ id }) => id.startsWith(key))
    throw unknown(key, what, { isTooShort: key.length < shortestPrefix && isMeant })
  }
  if (second !== undefined) {
    const isName = first.name === key
    const candidates = found.map(({ id }) => id.slice(0, 12)).join(', ')
    const message = `the ${isName ? 'name' : 'prefix'} fits several: ${candidates}`
    throw new ConetError('invalidArgument', `${what} ${key}: ${message}`, {
      fields: [{ path: what, message }],
      ...(isName && { help: `name the ${what} by its id` }),
    })
  }
  return first
}

function unknown(key: string, what: string, { isTooShort }: { isTooShort: boolean }): ConetError {
  return new ConetError('notFound', `no ${what} has the id${what === 'network' ? ' or name' : ''} ${key}`, {
    details: { [what]: key },
    ...(isTooShort && { help: `give at least ${shortestPrefix} digits of the id` }),
  })
}
