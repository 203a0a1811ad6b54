// A driver's answer to a page of a sync, before it is acted on: nothing of what the page did not name, so that a driver
// has no say in what is another's, and no more lines in the log than a person reads.
import type { SyncFailure, SyncResult } from '@conet/sdk'
import type { Logger } from 'pino'

/** Of one sort, for one page. */
const mostLines = 20
const longestText = 4096

/** What stands on a page. */
export type PageContent = {
  readonly networks: readonly { readonly id: string }[]
  readonly endpoints: readonly PageEndpoint[]
}

export type PageEndpoint = {
  readonly endpointId: string
  readonly network: { readonly id: string }
  /** Present: to be plugged there. */
  readonly sandbox?: { readonly path: string } | undefined
  readonly policyRevision?: number | undefined
}

export type SyncAnswer = Pick<SyncResult, 'repaired' | 'failed' | 'plugged'> & {
  /** How many failures and plugs were of objects that the page did not name, or did not want plugged, or came twice. */
  readonly strangers: number
}

/** What of the answer is about this page. */
export function answerToPage(page: PageContent, { repaired, failed, plugged }: SyncResult): SyncAnswer {
  if (failed.length === 0 && isInOrder(page, plugged)) return { repaired, failed, plugged, strangers: 0 }
  const networks = new Set(page.networks.map(({ id }) => id))
  const endpoints = new Map(page.endpoints.map((endpoint) => [endpoint.endpointId, endpoint]))
  const isAsked = ({ networkId, endpointId }: SyncFailure) =>
    endpointId === undefined ? networks.has(networkId) : endpoints.get(endpointId)?.network.id === networkId
  const kept = {
    failed: failed.filter(isAsked).map(({ error, ...about }) => ({
      ...about,
      error: { ...error, message: error.message.slice(0, longestText) },
    })),
    plugged: onceEach(plugged).filter(({ endpointId }) => endpoints.get(endpointId)?.sandbox !== undefined),
  }
  const strangers = failed.length + plugged.length - kept.failed.length - kept.plugged.length
  return { ...kept, repaired, failed: [...kept.failed, ...silentOf(page, kept)], strangers }
}

/** The usual answer: each endpoint that should be plugged is, and they come in the order of the page. */
function isInOrder({ endpoints }: PageContent, plugged: SyncResult['plugged']): boolean {
  let next = 0
  for (const { endpointId, sandbox } of endpoints) {
    if (sandbox === undefined) continue
    if (plugged[next]?.endpointId !== endpointId) return false
    next += 1
  }
  return next === plugged.length
}

/** The first of those that are of one endpoint. */
export function onceEach<T extends { readonly endpointId: string }>(all: readonly T[]): T[] {
  const seen = new Set<string>()
  return all.filter(({ endpointId }) => !seen.has(endpointId) && seen.add(endpointId))
}

/** What should be plugged, and nothing is said of it, is a failure too. */
function silentOf(
  { endpoints }: PageContent,
  { failed, plugged }: Pick<SyncResult, 'failed' | 'plugged'>,
): SyncFailure[] {
  const said = new Set([...failed, ...plugged].map(({ endpointId }) => endpointId))
  const error = { name: 'protocolViolation', message: 'the driver did not say what became of it' }
  return endpoints
    .filter(({ endpointId, sandbox }) => sandbox !== undefined && !said.has(endpointId))
    .map(({ network, endpointId }) => ({ networkId: network.id, endpointId, error }))
}

export function logAnswer(log: Logger, driver: string, { repaired, failed, strangers }: SyncAnswer): void {
  tellSome(repaired, (what, others) =>
    log.info({ driver, what: what.slice(0, longestText), ...others }, 'the driver repaired what differed'),
  )
  tellSome(failed, ({ networkId, endpointId, error }, others) =>
    log.error({ driver, networkId, endpointId, error, ...others }, 'the driver could not repair this'),
  )
  if (strangers > 0)
    log.warn({ driver, strangers }, 'the driver answered a sync about what it was not asked for: ignored')
}

/** The last line that is written says how many others there were. */
export function tellSome<T>(
  all: readonly T[],
  tell: (one: T, others: { readonly others?: number }) => void,
): void {
  const others = all.length - mostLines
  for (const [index, one] of all.slice(0, mostLines).entries())
    tell(one, others > 0 && index === mostLines - 1 ? { others } : {})
}
