// Answers to pages of a sync that left nothing to do. When the very same answer comes to a page of the same pieces, nothing
// has changed on either side, and nobody has to look at thousands of records to find that out.
import type { SyncResult } from '@conet/sdk'
import type { HostContext } from './host-context.ts'
import type { SyncPage } from './sync-pages.ts'
import type { Piece } from './sync-pieces.ts'

const settled = new WeakMap<SyncResult, readonly Piece[]>()

/** How many changes were on record when the page was made: what is settled by its answer is settled if it is the same then. */
export function isSettledBy(host: HostContext, page: SyncPage, answer: SyncResult, changes: number): boolean {
  if (host.inventory.changes !== changes || host.repairs.size > 0 || page.networks.length > 0) return false
  const pieces = settled.get(answer)
  return pieces?.length === page.pieces.length && pieces.every((piece, index) => piece === page.pieces[index])
}

/** The answer left nothing to do. */
export function noteSettled(page: SyncPage, answer: SyncResult): void {
  settled.set(answer, page.pieces)
}
