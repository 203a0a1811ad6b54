// Why a network takes no policies from container to container: it could not keep what they promise.
import { ConetError } from '../../errors/index.ts'

const path = 'policy.policies'

/** Members of a network that spans hosts. */
export function policiesSpanHosts(): ConetError {
  return refusal('members of the network are on several hosts, and reach each other', {
    help: 'Say what a container may send in net_out.',
  })
}

/** Undefined: the network keeps its members apart, and has a way between them. */
export function refusalOfPolicies(
  { isIcc, internal }: { isIcc: boolean; internal: boolean },
  { spansHosts }: { spansHosts: boolean },
): ConetError | undefined {
  if (spansHosts) return policiesSpanHosts()
  if (isIcc) {
    const why = 'its members reach each other anyway (icc)'
    return refusal(why, { help: 'Make the network with icc: false, and give policies then.' })
  }
  if (!internal) return undefined
  return refusal('the network is internal, and no packet goes by way of the machine', {
    help: 'Make a network that is not internal, with icc: false and egress: deny.',
  })
}

function refusal(why: string, { help }: { help: string }): ConetError {
  const message = `cannot be given: ${why}`
  return new ConetError('invalidArgument', `${path} ${message}`, { fields: [{ path, message }], help })
}
