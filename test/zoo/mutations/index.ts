// Every broken driver of the zoo.
import type { Mutation } from './mutation.ts'

export const mutations: readonly Mutation[] = []

export function mutationNamed(name: string): Mutation {
  const found = mutations.find((mutation) => mutation.name === name)
  if (found === undefined) throw new Error(`there is no mutation "${name}"`)
  return found
}
