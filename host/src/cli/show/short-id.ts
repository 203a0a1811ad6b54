// Ids as people compare them.

/** How much of ids and lists a person sees; `full` with --no-trunc. */
export type Detail = 'short' | 'full'

export function shownId(id: string, detail: Detail): string {
  return detail === 'full' ? id : id.slice(0, 12)
}

/** The first few of a list, and how many more there are. */
export function shownList(items: readonly string[], detail: Detail): string {
  const most = 3
  if (detail === 'full' || items.length <= most) return items.join(',')
  return `${items.slice(0, most).join(',')},+${items.length - most}`
}
