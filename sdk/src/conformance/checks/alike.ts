// Whether two failures say the same: ids, times and paths are others each time.

/** A message without what is by chance in it, for comparisons only. */
export function withoutParticulars(message: string): string {
  return message.replace(/\b[0-9a-f]{8,}\b/g, '…').replace(/[0-9]+/g, '…')
}
