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
