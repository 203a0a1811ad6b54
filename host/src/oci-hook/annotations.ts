// Which networks a container wants, from its annotations:
//
//   dev.conet.networks: blue,red                 in order; a network twice: blue,blue=second
//   dev.conet.network.blue.ip: 10.0.0.7          of one attachment, by its name
//
// `dev.conet.network: blue` alone is the same as `dev.conet.networks: blue`. Lists may have spaces instead of commas: podman
// takes a comma for the end of an annotation.

const list = 'dev.conet.networks'
const single = 'dev.conet.network'
const prefix = `${single}.`

type Texts = Readonly<Record<string, string>>
export type AttachmentWish = Readonly<Record<string, unknown>> & {
  readonly network: string
  readonly name: string
}

/** Undefined: the annotations say nothing, so a configuration or the default attachment does. Throws what is wrong. */
export function attachmentsOf(annotations: Texts): readonly AttachmentWish[] | undefined {
  const said = annotations[list] ?? annotations[single]
  if (annotations[list] !== undefined && annotations[single] !== undefined)
    throw new Error(`annotations ${list} and ${single}: keep one of the two, ${list} for several networks`)
  const options = Object.entries(annotations).filter(([key]) => key.startsWith(prefix))
  if (said === undefined) {
    const [first] = options
    if (first !== undefined) throw new Error(`annotation ${first[0]}: there is no annotation ${list}`)
    return undefined
  }
  const names = namesIn(said)
  refuseSameName(said, names)
  const wishes = names.map(({ network, name }) => ({ network, name, ...wishesOf(name, options) }))
  refuseUnknown(options, wishes)
  return wishes
}

/** `blue,red`, `blue,blue=second`: the network, and the attachment's name where that is another. */
function namesIn(text: string): { network: string; name: string }[] {
  const entries = listed(text.replaceAll(/\s*=\s*/g, '='))
  if (entries.length === 1 && entries[0] === '') return []
  return entries.map((entry) => {
    const [network = '', name = network] = entry.split('=')
    if (network === '' || name === '')
      throw new Error(`annotation ${list}: ${JSON.stringify(text)} has an empty name`)
    return { network, name }
  })
}

function listed(text: string): string[] {
  return text.trim().split(/\s*,\s*|\s+/)
}

function refuseSameName(text: string, names: readonly { network: string; name: string }[]): void {
  const again = names.find(({ name }, index) => names.findIndex((other) => other.name === name) !== index)
  if (again === undefined) return
  const { network, name } = again
  throw new Error(
    `annotation ${list}: ${JSON.stringify(text)} names ${name} twice: each attachment needs a name of its own, such as ${network},${network}=second`,
  )
}

/** conetd's words about a request with these wishes, about the annotations that said them; `fields` names what is wrong. */
export function inWordsOfAnnotations(
  text: string,
  fields: readonly string[],
  wishes: readonly AttachmentWish[] = [],
): string {
  const told = renamed(text, wishes)
  const unnamed = fields
    .filter((field) => attachToPath.test(field))
    .map((field) => renamed(field, wishes).replace(/\[.*/, ''))
    .filter((annotation, index, all) => !told.includes(annotation) && all.indexOf(annotation) === index)
  return unnamed.length === 0 ? told : `${unnamed.join(', ')}: ${told}`
}

const attachToPath = /\battach_to\[(\d+)\](?:\.(\w+))?/

function renamed(text: string, wishes: readonly AttachmentWish[]): string {
  return text.replaceAll(new RegExp(attachToPath, 'g'), (whole, index, member) => {
    const wish = wishes[Number(index)]
    if (wish === undefined) return whole
    const option = Object.entries(optionsByName).find(([, known]) => known.member === member)?.[0]
    return `annotation ${option === undefined ? list : `${prefix}${wish.name}.${option}`}`
  })
}

type Option = { readonly member: string; readonly parse: (text: string, key: string) => unknown }

const optionsByName: Readonly<Record<string, Option>> = {
  ip: { member: 'addresses', parse: listed },
  mac: { member: 'mac_address', parse: (text) => text },
  mtu: { member: 'mtu', parse: wholeNumber },
  interface: { member: 'interface', parse: (text) => text },
  'default-route': { member: 'default_route', parse: yesOrNo },
  options: { member: 'options', parse: jsonObject },
}

function wishesOf(name: string, options: readonly (readonly [string, string])[]): Record<string, unknown> {
  const own = `${prefix}${name}.`
  const wishes: Record<string, unknown> = {}
  for (const [key, text] of options) {
    const option = key.startsWith(own) ? optionsByName[key.slice(own.length)] : undefined
    if (option !== undefined) wishes[option.member] = option.parse(text, key)
  }
  return wishes
}

/** A slip in a name would otherwise go unseen. */
function refuseUnknown(
  options: readonly (readonly [string, string])[],
  wishes: readonly AttachmentWish[],
): void {
  const known = new Set(
    wishes.flatMap(({ name }) => Object.keys(optionsByName).map((option) => `${prefix}${name}.${option}`)),
  )
  const unknown = options.find(([key]) => !known.has(key))
  if (unknown === undefined) return
  const names = Object.keys(optionsByName).join(', ')
  throw new Error(
    `annotation ${unknown[0]}: it must be ${prefix}NAME.OPTION, NAME one of ${list}, OPTION one of ${names}`,
  )
}

function wholeNumber(text: string, key: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new Error(`annotation ${key}: ${JSON.stringify(text)} is no number`)
}

function yesOrNo(text: string, key: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new Error(`annotation ${key}: ${JSON.stringify(text)} must be true or false`)
}

function jsonObject(text: string, key: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Said below, in one form for both.
  }
  throw new Error(`annotation ${key}: it must be a JSON object`)
}
