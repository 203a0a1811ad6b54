// What the kernel takes as the name of an interface (dev_valid_name). Checked here because rtnetlink would
// cut nothing but answer ERANGE or EINVAL, which name no field.

const MAX_NAME_BYTES = 15

/** `all` and `default` are directories of /proc/sys/net/ipv4/conf, where each interface has one of its name. */
const reserved = new Set(['.', '..', 'all', 'default'])

/**
 * What is wrong with the name of an interface (`has 16 bytes, …`), to stand behind it; undefined for one that the
 * kernel takes.
 */
export function interfaceNameFault(name: string): string | undefined {
  const length = Buffer.byteLength(name)
  if (length === 0 || length > MAX_NAME_BYTES) return `has ${length} bytes, must have 1 to ${MAX_NAME_BYTES}`
  if (reserved.has(name)) return 'is reserved'
  // The kernel expands %d in the name of a new link to a number of its choice.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
  if (/[/:%\s\u0000-\u001f\u007f]/.test(name)) return 'contains a space, a control character, "/", ":" or "%"'
  return undefined
}

/** Returns the name of an interface as it is, or throws a TypeError that says what is wrong with it. */
export function checkedInterfaceName(name: string): string {
  const fault = interfaceNameFault(name)
  if (fault !== undefined) throw new TypeError(`interface name ${JSON.stringify(name)} ${fault}`)
  return name
}
