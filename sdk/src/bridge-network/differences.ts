// What a link of the kernel has that is not as wanted.

/** What differs, in words: `mtu was 1400`. */
export function differencesOf(found: object, wanted: object): string[] {
  return Object.keys(changesTo(found, wanted)).map(
    (key) => `${key} was ${settingOf(found, key) ?? 'missing'}`,
  )
}

/** What of the wanted is not there. */
export function changesTo<Wanted extends object>(found: object, wanted: Wanted): Partial<Wanted> {
  const changes: Partial<Wanted> = {}
  for (const key in wanted) if (settingOf(found, key) !== wanted[key]) changes[key] = wanted[key]
  return changes
}

/** The same, each by itself: where the kernel takes one setting in a request, or refuses one of them. */
export function eachChangeTo<Wanted extends object>(found: object, wanted: Wanted): Partial<Wanted>[] {
  const changes: Partial<Wanted>[] = []
  for (const key in wanted) {
    if (settingOf(found, key) === wanted[key]) continue
    const change: Partial<Wanted> = {}
    change[key] = wanted[key]
    changes.push(change)
  }
  return changes
}

function settingOf(found: object, key: string): unknown {
  return Reflect.get(found, key)
}
