// What a network spec says, taken apart: what of its document configures the network, and what is policy of the
// attachment. The host knows neither language: it goes by the names in the schemas that the driver publishes.
import { ConetError, type JsonSchema, type Ports } from '@conet/sdk'
import { asGardenReads } from './garden-policy.ts'

type Document = Record<string, unknown>

export type SpecSchemas = {
  readonly configSchema?: JsonSchema | undefined
  readonly policySchema?: JsonSchema | undefined
  readonly capabilities?: { readonly ports?: Ports | undefined }
}

/**
 * A member that the policy schema names and the configuration's does not is policy, under any spelling of its name
 * (`net_in`, `NetIn`, `netIn`). What Go writes where nothing is said, is not there. Throws `invalidArgument` for one that is there in two
 * spellings; `at` is the path of the document.
 */
export function splitConfig(
  config: Document,
  { configSchema, policySchema, capabilities }: SpecSchemas,
  at: string,
): { config: Document; policy: Document | undefined } {
  const ofConfig = memberNames(configSchema)
  const policyNames = [
    ...memberNames(policySchema),
    ...(capabilities?.ports ? [capabilities.ports.policyMember] : []),
  ]
  const ofPolicy = new Map(policyNames.map((name) => [plain(name), name]))
  const kept: Document = {}
  const policy: Document = {}
  for (const [key, value] of Object.entries(config)) {
    const name = ofConfig.includes(key) ? undefined : ofPolicy.get(plain(key))
    if (name === undefined) kept[key] = value
    else if (value === null || (key !== name && isUnfilled(value, schemaOf(policySchema, name)))) continue
    else if (Object.hasOwn(policy, name)) throw saidTwice(`${at}.${key}`, name)
    else policy[name] = inSnakeCase(value, `${at}.${key}`)
  }
  return { config: kept, policy: Object.keys(policy).length === 0 ? undefined : asGardenReads(policy) }
}

function memberNames(schema: JsonSchema | undefined): string[] {
  return Object.keys(membersOf(schema?.properties))
}

function schemaOf(schema: JsonSchema | undefined, name: string): Document {
  return membersOf(membersOf(schema?.properties)[name])
}

function membersOf(value: unknown): Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

/**
 * A structure of Go that nobody filled in has zeros, and null for what nobody made. What the schema takes for none goes on, to be
 * refused; an empty list says something: nothing is allowed.
 */
function isUnfilled(value: unknown, schema: Document): boolean {
  const known = structureOf(schema)
  if (known === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(([key, member]) => {
    const name = snakeKey(key)
    if (!Object.hasOwn(known, name)) return false
    return member === null || member === 0 || isUnfilled(member, membersOf(known[name]))
  })
}

/** The members of the structures that the schema takes, each with its schema; undefined: it takes none. */
function structureOf(schema: Document): Document | undefined {
  const { type, properties, anyOf, oneOf } = schema
  if (type === 'object' || properties !== undefined) return membersOf(properties)
  const choices: unknown[] = [anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? list : []))
  const structures = choices
    .map((choice) => structureOf(membersOf(choice)))
    .filter((one) => one !== undefined)
  return structures.length === 0 ? undefined : Object.fromEntries(structures.flatMap(Object.entries))
}

/** Go writes the members of a structure without tags as `HostPort`, an address that nobody gave as `""`; nothing else begins with a capital. */
function inSnakeCase(value: unknown, at: string): unknown {
  if (Array.isArray(value)) return value.map((one, index) => inSnakeCase(one, `${at}[${index}]`))
  if (typeof value !== 'object' || value === null) return value
  const members = new Map<string, unknown>()
  for (const [key, member] of Object.entries(value)) {
    const path = `${at}.${key}`
    const name = snakeKey(key)
    if (member === null || (member === '' && name !== key)) continue
    if (members.has(name)) throw saidTwice(path, name)
    members.set(name, inSnakeCase(member, path))
  }
  return Object.fromEntries(members)
}

/** Which of the two counts, nobody could say. */
function saidTwice(path: string, name: string): ConetError {
  const message = `is there twice: ${name} is the same in another spelling`
  return new ConetError('invalidArgument', `${path}: ${message}`, { fields: [{ path, message }] })
}

function snakeKey(key: string): string {
  if (!/^[A-Z]/.test(key)) return key
  return key.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toLowerCase()
}
