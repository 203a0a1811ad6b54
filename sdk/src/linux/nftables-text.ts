// Puts names and strings into ruleset text so that they can be nothing but names and strings.
import { ConetError } from '../errors/index.ts'

/**
 * A name of a table, chain, set or map. nft has no quotes for these, so it is checked: a letter or `_`, then
 * letters, digits, `_`, `-`, `.`; at most 127. Words of the language (`drop`, `ip`) are left to nft to refuse.
 */
export function nftName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_.-]{0,126}$/.test(name)) return name
  throw unfit(name, 'a name in a ruleset: letters, digits, "_", "-", ".", a letter or "_" first, at most 127')
}

/** A string in quotes, such as a comment. nft knows no escapes inside: `"`, a backslash and control characters are refused. */
export function nftString(text: string): string {
  if (/^[^"\\\p{Cc}]*$/u.test(text) && Buffer.byteLength(text) <= 127) return `"${text}"`
  throw unfit(text, 'a string in a ruleset: no quote, backslash or control character, at most 127 bytes')
}

/** An interface's name in quotes. `*` is refused too: nft would take it for any interface that begins so. */
export function nftInterfaceName(name: string): string {
  const isName = /^[^"\\*/:\s\p{Cc}]+$/u.test(name) && Buffer.byteLength(name) <= 15
  if (isName && name !== '.' && name !== '..') return `"${name}"`
  throw unfit(
    name,
    'an interface name in a ruleset: 1 to 15 bytes without quote, backslash, "*", "/", ":", space',
  )
}

function unfit(text: string, what: string): ConetError {
  return new ConetError('invalidArgument', `nftables: ${JSON.stringify(text)} cannot be ${what}`)
}
