// What clients send for members that nobody filled in: null, as Go does for lists and objects, others for all else.
import { IsArray, IsObject, IsOptional, IsRecord, IsUnion, type TSchema } from 'typebox'
import { Value } from 'typebox/value'

/**
 * The document without such members, where the schema does not ask for them: as if they were absent. Where null has a meaning
 * of its own it stays.
 */
export function withoutNil(document: unknown, schema: TSchema | undefined): unknown {
  if (IsUnion(schema)) return withoutNil(document, schema.anyOf.find(isStructure))
  if (IsArray(schema))
    return Array.isArray(document) ? document.map((item) => withoutNil(item, schema.items)) : document
  if (!IsObject(schema) || typeof document !== 'object' || document === null || Array.isArray(document))
    return document
  const members = Object.entries(document).flatMap(([key, member]): [string, unknown][] => {
    const known = Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined
    return member === null && isForNil(known) ? [] : [[key, withoutNil(member, known)]]
  })
  return Object.fromEntries(members)
}

function isForNil(schema: TSchema | undefined): boolean {
  return schema !== undefined && IsOptional(schema) && !Value.Check(schema, null)
}

function isStructure(schema: TSchema): boolean {
  return IsArray(schema) || IsObject(schema) || IsRecord(schema)
}
