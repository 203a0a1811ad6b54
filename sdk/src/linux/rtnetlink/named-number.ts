// The way back from a kernel's number to the word that conet's types have for it.

/** The key of `table` whose value is `number`; undefined for numbers that conet has no word for. */
export function nameOf<Table extends Readonly<Record<string, number>>>(
  table: Table,
  number: number | undefined,
): Extract<keyof Table, string> | undefined {
  for (const name in table) if (table[name] === number) return name
  return undefined
}
