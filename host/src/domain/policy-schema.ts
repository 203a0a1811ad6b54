// What a JSON Schema says of a place in a document: as much of it as tells Go's zero values from what somebody has said.

type Schema = Record<string, unknown>

export function membersOf(value: unknown): Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

/** The members of the structures that it takes, each with its schema; undefined: it takes none. */
export function structureOf(schema: Schema): Schema | undefined {
  const { type, properties } = schema
  if (type === 'object' || properties !== undefined) return membersOf(properties)
  const structures = choicesOf(schema)
    .map(structureOf)
    .filter((one) => one !== undefined)
  return structures.length === 0 ? undefined : Object.fromEntries(structures.flatMap(Object.entries))
}

/** Whether it takes no structure without members. */
export function needsMembers(schema: Schema): boolean {
  const choices = choicesOf(schema)
  if (choices.length > 0) return choices.every(needsMembers)
  return Array.isArray(schema.required) && schema.required.length > 0
}

/** Whether it is of numbers, and 0 is none of them. */
export function isOfOtherNumbers({ type, const: only, minimum }: Schema): boolean {
  if (only !== undefined) return typeof only === 'number' && only !== 0
  return (type === 'integer' || type === 'number') && typeof minimum === 'number' && minimum > 0
}

function choicesOf({ anyOf, oneOf }: Schema): Schema[] {
  return [anyOf, oneOf].flatMap((list): unknown[] => (Array.isArray(list) ? list : [])).map(membersOf)
}
