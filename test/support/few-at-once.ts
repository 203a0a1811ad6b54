// Many programs without the spike of all at once, which other tests on the machine would feel.
const atOnce = 4

/** Like `Promise.all` of what `act` makes of each. */
export async function fewAtOnce<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const left = items.entries()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const [index, item] of left) results[index] = await act(item)
    }),
  )
  return results
}
