// conetd's messages open with the operation and the handle. Who reads them behind a program's own has read both already.

/** Presentation alone: a text that opens otherwise stays as it is. */
export function withoutOpening(
  text: string,
  { operations, handle }: { operations: readonly string[]; handle: string },
): string {
  const openings = operations.flatMap((operation) => [`${operation} ${handle}: `, `${operation}: `])
  const opening = openings.find((candidate) => text.startsWith(candidate)) ?? ''
  return text.slice(opening.length)
}
