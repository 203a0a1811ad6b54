// Every broken driver of the zoo.
import { answerMutations } from './answers.ts'
import { callMutations } from './calls.ts'
import { cancellationMutations } from './cancellation.ts'
import { drainMutations } from './drain.ts'
import { endpointMutations } from './endpoints.ts'
import { framingMutations } from './framing.ts'
import { handshakeMutations } from './handshake.ts'
import { healthMutations } from './health.ts'
import { kernelMutations } from './kernel.ts'
import { messageMutations } from './messages.ts'
import { modelMutations } from './model.ts'
import type { Mutation } from './mutation.ts'
import { networkMutations } from './networks.ts'
import { ownAddressMutations } from './own-addresses.ts'
import { peerMutations } from './peers.ts'
import { plugMutations } from './plug.ts'
import { policyMutations } from './policy.ts'
import { progressMutations } from './progress.ts'
import { socketMutations } from './socket.ts'
import { successorMutations } from './successors.ts'
import { syncMutations } from './sync.ts'

export const mutations: readonly Mutation[] = [
  ...socketMutations,
  ...framingMutations,
  ...messageMutations,
  ...handshakeMutations,
  ...answerMutations,
  ...networkMutations,
  ...endpointMutations,
  ...callMutations,
  ...cancellationMutations,
  ...progressMutations,
  ...healthMutations,
  ...plugMutations,
  ...peerMutations,
  ...ownAddressMutations,
  ...policyMutations,
  ...modelMutations,
  ...syncMutations,
  ...drainMutations,
  ...successorMutations,
]

/** Those that make interfaces: they meet the checks of the kernel, one after the other, for they share a namespace. */
export { kernelMutations }

export function mutationNamed(name: string): Mutation {
  const found = [...mutations, ...kernelMutations].find((mutation) => mutation.name === name)
  if (found === undefined) throw new Error(`there is no mutation "${name}"`)
  return found
}
