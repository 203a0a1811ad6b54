// The state of an endpoint, and whether the other hosts of the cluster know of it.
import type { EndpointView } from '@conet/sdk/client'

export function endpointState({ state, published }: Pick<EndpointView, 'state' | 'published'>): string {
  return published === false ? `${state}, not published` : state
}
