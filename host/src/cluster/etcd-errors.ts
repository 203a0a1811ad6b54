// What etcd's client throws, in the words of the catalogue.
import { ConetError } from '@conet/sdk'
import {
  EtcdAuthenticationFailedError,
  EtcdInvalidAuthTokenError,
  EtcdPermissionDeniedError,
  GRPCDeadlineExceededError,
  GRPCUnauthenticatedError,
} from 'etcd3'

const refusals = [
  EtcdAuthenticationFailedError,
  EtcdInvalidAuthTokenError,
  EtcdPermissionDeniedError,
  GRPCUnauthenticatedError,
]

/** `what` opens the message, `endpoints` are those that were tried. */
export function clusterError(what: string, endpoints: readonly string[], cause: unknown): ConetError {
  if (cause instanceof ConetError) return cause
  const found = wordsOf(cause)
  const details = { endpoints: [...endpoints], cause: found }
  if (cause instanceof GRPCDeadlineExceededError) {
    return new ConetError('clusterUnavailable', `${what}: etcd gave no answer in time`, {
      cause,
      details,
      help,
    })
  }
  const isRefusal = refusals.some((refusal) => cause instanceof refusal)
  return new ConetError(
    'clusterUnavailable',
    `${what}: ${isRefusal ? 'etcd refuses this host' : 'etcd cannot be reached'}: ${found}`,
    {
      cause,
      details,
      help: isRefusal ? 'look at --cluster-user, and at what this user may do in etcd' : help,
    },
  )
}

/** The client's words, without its notes on how it resolved names, which are empty or say the same. */
function wordsOf(cause: unknown): string {
  const [words = ''] = (cause instanceof Error ? cause.message : String(cause)).split(/\.? Resolution note:/)
  return words
    .replace(/^\d+ [A-Z_]+: /, '')
    .replace('No connection established. Last error: Error: ', '')
    .replace('Channel closed before call started', 'the connection was lost')
}

const help = 'look whether etcd runs and whether this host reaches it; containers that run are not affected'
