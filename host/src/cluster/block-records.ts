// What there is below the blocks of a network: who has which, who asks for one, and who uses what nobody sees.
import { BlockWish, reader, SharedBlock, UnpluggedAddresses } from './records.ts'

export type BlockRecord = SharedBlock | BlockWish | UnpluggedAddresses

export const readBlock = reader(SharedBlock)
const readWish = reader(BlockWish)
const readUnplugged = reader(UnpluggedAddresses)

/** Undefined: no record that this version knows. */
export function readBlockRecord(text: string): BlockRecord | undefined {
  return readBlock(text) ?? readWish(text) ?? readUnplugged(text)
}

export function isBlock(record: BlockRecord | undefined): record is SharedBlock {
  return record !== undefined && 'node' in record
}

export function isWish(record: BlockRecord): record is BlockWish {
  return 'wantedBy' in record
}

export function isUnplugged(record: BlockRecord | undefined): record is UnpluggedAddresses {
  return record !== undefined && 'unpluggedOf' in record
}
