// conet over its HTTP API, one call at a time, as a client in another process sees it.
import type { ConetClient } from '@conet/sdk/client'
import type { Side } from '../interleave.ts'
import { timed } from '../samples.ts'

export function emptyRequestSide(client: ConetClient): Side {
  return { warmUps: 300, round: async () => [['http-empty', await timed(() => client.health())]] }
}

export type PlugSide = {
  readonly client: ConetClient
  /** A container that is up. */
  readonly handle: string
  readonly network: string
  /** The rows' names. */
  readonly plug: string
  readonly unplug?: string
  readonly warmUps: number
}

/** Plugs the container and unplugs it again. */
export function plugSide({ client, handle, network, plug, unplug, warmUps }: PlugSide): Side {
  return {
    warmUps,
    async round() {
      let endpoint = ''
      const plugMs = await timed(async () => {
        endpoint = (await client.plug(handle, { network })).id
      })
      const unplugMs = await timed(() => client.unplug({ handle, endpoint }))
      return unplug === undefined
        ? [[plug, plugMs]]
        : [
            [plug, plugMs],
            [unplug, unplugMs],
          ]
    },
  }
}
