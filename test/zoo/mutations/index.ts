// Every broken driver of the zoo.
import { answerMutations } from './answers.ts'
import { framingMutations } from './framing.ts'
import { handshakeMutations } from './handshake.ts'
import { messageMutations } from './messages.ts'
import type { Mutation } from './mutation.ts'
import { socketMutations } from './socket.ts'

export const mutations: readonly Mutation[] = [
  ...socketMutations,
  ...framingMutations,
  ...messageMutations,
  ...handshakeMutations,
  ...answerMutations,
]

export function mutationNamed(name: string): Mutation {
  const found = mutations.find((mutation) => mutation.name === name)
  if (found === undefined) throw new Error(`there is no mutation "${name}"`)
  return found
}
