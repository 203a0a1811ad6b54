// Where an object ends in JSON text: to take it out of what is around it, without reading that.

const quote = 0x22
const backslash = 0x5c
const openingBrace = 0x7b
const closingBrace = 0x7d

/**
 * The index behind the object that begins at `start`; undefined where none begins, or it has no end. Of text that is
 * JSON it is right; of other text it may name an end of what is no object.
 */
export function endOfObject(text: string, start: number): number | undefined {
  if (text.charCodeAt(start) !== openingBrace) return undefined
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    const character = text.charCodeAt(at)
    if (character === quote) at = endOfString(text, at)
    else if (character === openingBrace) depth += 1
    else if (character === closingBrace) depth -= 1
    if (depth === 0) return at + 1
  }
  return undefined
}

/** The index of the closing quote; the length of the text where there is none. */
function endOfString(text: string, start: number): number {
  for (let from = start + 1; ; ) {
    const end = text.indexOf('"', from)
    if (end === -1) return text.length
    if (!isEscaped(text, end)) return end
    from = end + 1
  }
}

/** Whether an odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1
  while (text.charCodeAt(before) === backslash) before -= 1
  return (at - before) % 2 === 0
}
