// The forms that texts of users must have: each as a pattern for programs and in words for people. Data alone, so that
// the command line loads nothing else to check a name.

const byte = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
const ipv4 = `(${byte}\\.){3}${byte}`
const group = '[0-9a-f]{1,4}'
/** RFC 4291, section 2.2: eight groups, or fewer around the one `::` that stands for the others. */
const ipv6 = [
  `(${group}:){7}${group}`,
  ...[1, 2, 3, 4, 5, 6].map((before) => `(${group}:){1,${before}}(:${group}){1,${7 - before}}`),
  `(${group}:){1,7}:`,
  `:(:${group}){1,7}`,
  '::',
  `::(ffff:)?${ipv4}`,
].join('|')

/** One form. `words` go on after "must be", `example` has it. */
export type Form = { readonly pattern: string; readonly words: string; readonly example: string }

/** A runtime may choose longer handles than clients. */
export const maxRuntimeHandleBytes = 1024

/** How many lines a runtime may add to a container's hosts file. */
export const maxExtraHosts = 1000
/** How many names each of them may have. */
export const maxNamesOfHost = 256

/** Every form that conet's own schemas know. A test holds the two together. */
export const forms = {
  id: {
    pattern: '^[0-9a-f]{64}$',
    words: '64 lower-case hexadecimal digits',
    example: '3f2a91c07b44'.repeat(6).slice(0, 64),
  },
  endpointKey: {
    pattern: '^[0-9a-f]{1,64}$',
    words: 'the id of an endpoint or its first digits (hexadecimal, lower case)',
    example: '5a624939c64c',
  },
  networkName: {
    pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$',
    words: 'a letter or digit, then up to 62 letters, digits, "_", "." or "-"',
    example: 'web-1',
  },
  key: {
    pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$',
    words: 'a name or an id: a letter or digit, then up to 63 letters, digits, "_", "." or "-"',
    example: 'web-1',
  },
  handle: {
    pattern: '^[A-Za-z0-9][A-Za-z0-9_.:@+-]{0,127}$',
    words: 'a letter or digit, then up to 127 letters, digits, "_", ".", ":", "@", "+" or "-"',
    example: 'web-1',
  },
  runtimeHandle: {
    pattern: '^[^\\u0000]*$',
    words: 'text without a zero character',
    example: 'web-1',
  },
  driverName: {
    pattern: '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$',
    words: '1 to 63 lower-case letters, digits, "." or "-", with a letter or digit at both ends',
    example: 'bridge',
  },
  interfaceName: {
    pattern: '^(?!\\.{1,2}$)[^\\s/:%\\u0000-\\u001f\\u007f]{1,15}$',
    words: '1 to 15 characters without white space, "/", ":" and "%"',
    example: 'eth0',
  },
  macAddress: {
    pattern: '^([0-9a-f]{2}:){5}[0-9a-f]{2}$',
    words: 'six pairs of lower-case hexadecimal digits',
    example: '02:42:0a:00:00:02',
  },
  ipAddress: { pattern: '^[0-9a-f.:]{2,45}$', words: 'an IP address', example: '10.0.0.2' },
  /** Where no program reads it before it is written down: in the files of a resolver. */
  exactIpAddress: { pattern: `^(${ipv4}|${ipv6})$`, words: 'an IP address', example: '10.0.0.2' },
  cidr: {
    pattern: '^[0-9a-f.:]{2,45}/[0-9]{1,3}$',
    words: 'an IP address with its prefix length',
    example: '10.0.0.2/16',
  },
  labelKey: { pattern: '^[\\s\\S]{0,256}$', words: 'at most 256 characters', example: 'env' },
  newLabelKey: {
    pattern: '^[^\\u0000]{1,256}$',
    words: 'the key of a label, text of 1 to 256 characters without a zero character',
    example: 'env',
  },
  newLabelValue: {
    pattern: '^[^\\u0000]{0,4096}$',
    words: 'the value of a label, text of at most 4096 characters without a zero character',
    example: 'prod',
  },
  clusterStore: {
    pattern: '^etcds?://[^,/\\s]+(,[^,/\\s]+)*$',
    words: 'etcd:// or etcds:// and the members of etcd with commas between them',
    example: 'etcd://10.0.0.1:2379,10.0.0.2:2379',
  },
  word: { pattern: '^[^\\s\\u0000]+$', words: 'a word without white space', example: 'apps.internal' },
  hostName: {
    pattern: '^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$',
    words: '1 to 253 letters, digits, "_", "." or "-", with neither "." nor "-" at its ends',
    example: 'web-1.apps.internal',
  },
  namespaceId: {
    pattern: '^[0-9]{1,20}:[0-9]{1,20}$',
    words: 'the device and the inode of a namespace',
    example: '4:4026531840',
  },
  absolutePath: { pattern: '^/', words: 'an absolute path', example: '/run/conet' },
  eventType: {
    pattern: '^[a-z][a-z0-9-]{0,63}$',
    words: 'a lower-case letter, then up to 63 lower-case letters, digits or "-"',
    example: 'link-down',
  },
  eventId: { pattern: '^[0-9]{1,16}$', words: 'the number of an event', example: '12' },
  sysctlPath: {
    pattern: '^net(/(?!\\.{1,2}(/|$))[^/\\s]{1,64}){1,8}$',
    words: 'a path below /proc/sys that begins with net/',
    example: 'net/ipv4/conf/eth0/rp_filter',
  },
  sysctlValue: {
    pattern: '^[^\\u0000\\n]{0,256}$',
    words: 'at most 256 characters on one line',
    example: '1',
  },
} as const satisfies Record<string, Form>

const byPattern = new Map<unknown, Form>(Object.values(forms).map((form) => [form.pattern, form]))

/** The form that a pattern of a schema stands for; undefined for one of somebody else's. */
export function formOf(pattern: unknown): Form | undefined {
  return byPattern.get(pattern)
}

/** What is wrong with a text that should have the form; undefined when it has it. */
export function faultOfForm(text: string, form: Form): string | undefined {
  if (new RegExp(form.pattern, 'u').test(text)) return undefined
  return `must be ${allowedBy(form)}; found ${shown(text)}`
}

/** The same for the handle of a container that a runtime may have chosen. */
export function faultOfRuntimeHandle(text: string): string | undefined {
  const bytes = new TextEncoder().encode(text).length
  if (bytes >= 1 && bytes <= maxRuntimeHandleBytes) return faultOfForm(text, forms.runtimeHandle)
  return `must have 1 to ${maxRuntimeHandleBytes} bytes; it has ${bytes}`
}

/** What goes on after "must be". */
export function allowedBy({ words, example }: Form): string {
  return `${words}, such as ${example}`
}

const mostShown = 60

/** A value as a message shows it: never more than some characters of it, nor what an object holds. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = JSON.stringify(value) ?? String(value)
  if (text.length <= mostShown) return text
  const { length } = typeof value === 'string' ? [...value] : text
  return `${text.slice(0, mostShown)}… (${length} characters)`
}
