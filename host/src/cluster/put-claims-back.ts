// What this node has claimed of a network, and a store that has lost something lacks, is written again; what others have
// there by now is theirs.
import { ConetError } from '@conet/sdk'
import type { AddressBlocks } from './address-blocks.ts'
import type { MacClaims } from './mac-claims.ts'
import type { CallLimits, Condition } from './shared-store.ts'

export type LostClaims = {
  readonly lost: readonly { readonly block: string; readonly subnet: string }[]
  readonly macAddresses: readonly string[]
}

/** `condition`: that this node is registered. Resolves to what others have. May be repeated. */
export async function putClaimsBack(
  { blocks, macs }: { blocks: Pick<AddressBlocks, 'restore'>; macs: Pick<MacClaims, 'claim'> },
  { lost, macAddresses }: LostClaims,
  limits: CallLimits & { readonly condition: Condition },
): Promise<string[]> {
  const conflicts: string[] = []
  for (const { block, subnet } of lost)
    conflicts.push(...(await orConflict(blocks.restore(block, subnet, limits))))
  for (const mac of macAddresses) conflicts.push(...(await orConflict(macs.claim(mac, limits))))
  return conflicts
}

/** What somebody else has; all other errors are thrown. */
async function orConflict(work: Promise<unknown>): Promise<string[]> {
  try {
    await work
    return []
  } catch (error) {
    if (ConetError.is(error, 'addressInUse')) return [error.message]
    throw error
  }
}
