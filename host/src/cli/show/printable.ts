// Text of others on a terminal: labels and messages may hold anything, also what moves the cursor.

/** Control characters (C0, DEL, C1) and those that reorder text (bidirectional overrides) as `\u001b`. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0')}`,
  )
}
