// What a network spec says, taken apart: what of its document configures the network, and what is policy of the
// attachment. The host knows neither language: it goes by the names in the schemas that the driver publishes.
import { ConetError, type JsonSchema, type Ports } from '@conet/sdk'
import { asGardenReads } from './garden-policy.ts'
import { isOfOtherNumbers, membersOf, needsMembers, structureOf } from './policy-schema.ts'

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
    if (name === undefined) {
      kept[key] = value
      continue
    }
    const place = { at: `${at}.${key}`, schema: schemaOf(policySchema, name), isOfGo: key !== name }
    if (value === null || (place.isOfGo && isNothing(value, place.schema))) continue
    if (Object.hasOwn(policy, name)) throw saidTwice(place.at, name)
    policy[name] = inSnakeCase(value, place)
  }
  return { config: kept, policy: Object.keys(policy).length === 0 ? undefined : asGardenReads(policy) }
}

function memberNames(schema: JsonSchema | undefined): string[] {
  return Object.keys(membersOf(schema?.properties))
}

function schemaOf(schema: JsonSchema | undefined, name: string): Document {
  return membersOf(membersOf(schema?.properties)[name])
}

function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

/** What Go writes where nobody has said anything. A 0 that the schema takes says something. */
function isNothing(value: unknown, schema: Document): boolean {
  return value === 0 ? isOfOtherNumbers(schema) : isUnfilled(value, schema)
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

/** `isOfGo`: it stands in a member that is spelled as Go does. */
type Place = { readonly at: string; readonly schema: Document; readonly isOfGo: boolean }

/** Go writes the members of a structure without tags as `HostPort`, an address that nobody gave as `""`; nothing else begins with a capital. */
function inSnakeCase(value: unknown, { at, schema, isOfGo }: Place): unknown {
  const ofItems = membersOf(schema.items)
  if (Array.isArray(value))
    return value.map((one, index) => inSnakeCase(one, { at: `${at}[${index}]`, schema: ofItems, isOfGo }))
  if (typeof value !== 'object' || value === null) return value
  const known = structureOf(schema) ?? {}
  const members = new Map<string, unknown>()
  for (const [key, member] of Object.entries(value)) {
    const name = snakeKey(key)
    const place = { at: `${at}.${key}`, schema: membersOf(known[name]), isOfGo: isOfGo || name !== key }
    if (member === null || (member === '' && name !== key) || isNothingInside(member, place)) continue
    if (members.has(name)) throw saidTwice(place.at, name)
    members.set(name, inSnakeCase(member, place))
  }
  return Object.fromEntries(members)
}

/** An empty structure that the schema takes may say something: `icmps` with type 0. */
function isNothingInside(member: unknown, { schema, isOfGo }: Place): boolean {
  return isOfGo && (member === 0 || needsMembers(schema)) && isNothing(member, schema)
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
