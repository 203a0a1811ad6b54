// Drivers that take what the host says should be wrongly.
import type { SyncParams, SyncResult } from '@conet/sdk'
import type { Call } from '../call.ts'
import type { Records } from '../records.ts'
import { type Mutation, method } from './mutation.ts'

/** The good driver that answers a page otherwise. */
function answersPages(
  change: (answer: SyncResult, page: SyncParams, call: Call) => Partial<SyncResult>,
): Mutation['change'] {
  return method('driver/sync', (sync) => async (page, call) => {
    const answer = await sync(page, call)
    if (!isAnswer(answer)) return answer
    return { ...answer, ...change(answer, page, call) }
  })
}

function isAnswer(answer: object): answer is SyncResult {
  return 'unknown' in answer && 'repaired' in answer
}

/** What there is, but for those that were named. */
function unknownOf(records: Records, named: ReadonlySet<string> = new Set()): SyncResult['unknown'] {
  return {
    networkIds: [...records.networks.keys()].filter((id) => !named.has(id)),
    endpoints: records.refs().filter(({ endpointId }) => !named.has(endpointId)),
  }
}

function idsOf({ networks, endpoints }: SyncParams): string[] {
  return [...networks.map(({ id }) => id), ...endpoints.map(({ endpointId }) => endpointId)]
}

/** The ids that pages of the last sync have named, and nothing else. */
function ofPagesAlone(): (page: SyncParams) => ReadonlySet<string> {
  let syncId = ''
  let named = new Set<string>()
  return (page) => {
    if (page.syncId !== syncId) named = new Set()
    syncId = page.syncId
    for (const id of idsOf(page)) named.add(id)
    return named
  }
}

export const syncMutations: readonly Mutation[] = [
  {
    name: 'everythingIsUnknown',
    does: 'calls everything unknown that it has, also what was named',
    fails: ['model.objects', 'model.plugs', 'sync.between-pages', 'sync.known', 'sync.pages'],
    change: answersPages((_answer, { more }, { session }) =>
      more ? {} : { unknown: unknownOf(session.driver.records) },
    ),
  },
  {
    name: 'alwaysRepairs',
    does: 'says of each page that it has repaired something',
    fails: ['model.objects', 'model.plugs', 'sync.many', 'sync.plugged-quiet', 'sync.quiet'],
    change: answersPages(({ repaired }) => ({ repaired: [...repaired, 'this and that'] })),
  },
  {
    name: 'unknownOnEachPage',
    does: 'names on each page what that page does not name',
    fails: ['sync.between-pages', 'sync.pages'],
    change: answersPages((_answer, page, { session }) => ({
      unknown: unknownOf(session.driver.records, new Set(idsOf(page))),
    })),
  },
  {
    name: 'forgetsCallsBetween',
    does: 'calls unknown what was created between two pages',
    fails: ['sync.between-pages'],
    change: (good) => {
      const namedBy = ofPagesAlone()
      const change = answersPages((_answer, page, { session }) => {
        const named = namedBy(page)
        return page.more ? {} : { unknown: unknownOf(session.driver.records, named) }
      })
      return change(good)
    },
  },
  {
    name: 'remembersOldSyncs',
    does: 'counts as named what any sync has ever named',
    fails: ['sync.anew'],
    change: (good) => {
      const named = new Set<string>()
      const change = answersPages(({ unknown }, page) => {
        for (const id of idsOf(page)) named.add(id)
        return {
          unknown: {
            networkIds: unknown.networkIds.filter((id) => !named.has(id)),
            endpoints: unknown.endpoints.filter(({ endpointId }) => !named.has(endpointId)),
          },
        }
      })
      return change(good)
    },
  },
  {
    name: 'plugsAnew',
    does: 'plugs anew what is plugged as it should be',
    fails: ['model.plugs', 'sync.plugged-quiet'],
    change: answersPages(({ repaired, plugged }) => ({
      repaired: [...repaired, ...plugged.map(({ endpointId }) => `endpoint ${endpointId} was plugged anew`)],
    })),
  },
]
