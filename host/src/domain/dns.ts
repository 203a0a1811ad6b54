// What a container's resolver is told, where several networks have something to say.
import type { Dns } from '@conet/sdk'

/** All of it, each once, in the order given: a resolver asks the first server first. */
export function mergedDns(answers: readonly Dns[]): Dns {
  const all = (pick: (dns: Dns) => readonly string[]) => [...new Set(answers.flatMap(pick))]
  return {
    servers: all(({ servers }) => servers),
    search: all(({ search }) => search),
    options: all(({ options }) => options),
  }
}

/** What is not said is empty. */
export function completeDns({ servers = [], search = [], options = [] }: Partial<Dns>): Dns {
  return { servers, search, options }
}

/** What the drivers say; each part of which none says anything comes from the configuration. Undefined: nobody does. */
export function resolverFor(answers: readonly Dns[], defaults: Dns | undefined): Dns | undefined {
  if (answers.length === 0) return defaults
  const { servers, search, options } = mergedDns(answers)
  if (defaults === undefined) return { servers, search, options }
  return {
    servers: servers.length > 0 ? servers : defaults.servers,
    search: search.length > 0 ? search : defaults.search,
    options: options.length > 0 ? options : defaults.options,
  }
}
