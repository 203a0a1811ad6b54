// What a link of the kernel has that is not as wanted.
/** What differs, in words: `mtu was 1400`. */
export function differencesOf(found: object, wanted: object): string[] {
  const there = new Map<string, unknown>(Object.entries(found))
  return Object.entries(wanted)
    .filter(([key, value]) => there.get(key) !== value)
    .map(([key]) => `${key} was ${there.get(key) ?? 'missing'}`)
}
