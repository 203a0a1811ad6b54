// conet over its HTTP API, one call at a time, as a client in another process sees it.
import type { ConetClient } from '@conet/sdk/client'
import { timed } from '../samples.ts'
import type { Plugger } from './turns.ts'

/** An empty request in the place of each plug. */
export function emptyRequests(client: ConetClient): Plugger {
  return {
    plug: async () => [['http-empty', await timed(() => client.health())]],
    unplug: async () => [],
  }
}

export type ConetPlugger = {
  readonly client: ConetClient
  /** Containers that are up. */
  readonly handles: readonly string[]
  readonly network: string
  /** The rows' names. */
  readonly rows: { readonly plug: string; readonly unplug?: string }
}

export function conetPlugger({ client, handles, network, rows }: ConetPlugger): Plugger {
  const endpoints = new Map<number, string>()
  const handleOf = (number: number) => handles[number] ?? ''
  return {
    async plug(number) {
      const ms = await timed(async () => {
        endpoints.set(number, (await client.plug(handleOf(number), { network })).id)
      })
      return [[rows.plug, ms]]
    },
    async unplug(number) {
      const endpoint = endpoints.get(number) ?? ''
      const ms = await timed(() => client.unplug({ handle: handleOf(number), endpoint }))
      return rows.unplug === undefined ? [] : [[rows.unplug, ms]]
    },
  }
}
