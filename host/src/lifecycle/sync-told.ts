// What a driver was told, to find out whether something came on record meanwhile that it was not.
import { isWanted } from '../domain/endpoint.ts'
import type { HostContext } from './host-context.ts'
import type { PageContent } from './sync-answer.ts'
import { networksOf } from './sync-pages.ts'
import { sandboxOf } from './sync-pieces.ts'

export class Told {
  readonly #pages: PageContent[] = []
  #changesBefore = -1

  /** It is told everything from now on. */
  begin({ inventory }: HostContext): void {
    this.#changesBefore = inventory.changes
  }

  add(page: PageContent): void {
    this.#pages.push(page)
  }

  /** Whether the driver was told of everything that it should have, and where. */
  isAll(host: HostContext, driver: string): boolean {
    if (host.inventory.changes === this.#changesBefore) return true
    const places = this.#places()
    for (const { id } of networksOf(host, driver)) {
      if (!places.has(id)) return false
      for (const endpoint of host.inventory.endpointsOfNetwork(id)) {
        const { policyRevision } = endpoint
        const place = placeOf({ sandbox: sandboxOf(host, endpoint), policyRevision })
        if (isWanted(endpoint) && places.get(endpoint.id) !== place) return false
      }
    }
    return true
  }

  /** By the id of a network, of an endpoint: where it should be. What was told last counts. */
  #places(): Map<string, string> {
    const places = new Map<string, string>()
    for (const { networks, endpoints } of this.#pages) {
      for (const { id } of networks) places.set(id, '')
      for (const endpoint of endpoints) places.set(endpoint.endpointId, placeOf(endpoint))
    }
    return places
  }
}

type Placed = Pick<PageContent['endpoints'][number], 'sandbox' | 'policyRevision'>

/** In which sandbox it should be, if in any, and which policy it should have. */
function placeOf({ sandbox, policyRevision = 0 }: Placed): string {
  return `${sandbox?.path ?? ''}#${policyRevision}`
}
