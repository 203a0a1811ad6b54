// What etcd's client throws, in the words of the catalogue.
import { ConetError } from '@conet/sdk'
import { status } from '@grpc/grpc-js'
import {
  EtcdAuthenticationFailedError,
  EtcdInvalidAuthTokenError,
  EtcdPermissionDeniedError,
  GRPCDeadlineExceededError,
  GRPCFailedPreconditionError,
  GRPCInvalidArgumentError,
  GRPCUnauthenticatedError,
  GRPCUnavailableError,
} from 'etcd3'

type Trouble = { readonly found: string; readonly help: string }

const unreachable: Trouble = {
  found: 'etcd cannot be reached',
  help: 'look whether etcd runs and whether this host reaches it; containers that run are not affected',
}

/** Etcd runs and has answered: to look whether it does would lead nowhere. */
const refusals: readonly (Trouble & { readonly types: readonly (new (words: string) => Error)[] })[] = [
  {
    types: [EtcdAuthenticationFailedError, EtcdInvalidAuthTokenError, GRPCUnauthenticatedError],
    found: 'etcd refuses the user or the password of this host',
    help: 'look at --cluster-user and the password in --cluster-password-file: with both, `etcdctl --user NAME:PASSWORD get /conet/v1/` must answer',
  },
  {
    types: [EtcdPermissionDeniedError],
    found: 'etcd refuses this to the user of this host',
    help: 'let a role of --cluster-user read and write there: etcdctl role grant-permission ROLE --prefix=true readwrite /conet/v1/',
  },
  {
    types: [GRPCInvalidArgumentError],
    found: 'etcd refuses what this host asks',
    help: 'an etcd that asks for passwords wants --cluster-user and --cluster-password-file',
  },
  {
    types: [GRPCFailedPreconditionError],
    found: 'etcd refuses what this host asks',
    help: 'an etcd that asks for no passwords takes none: leave --cluster-user away, or enable its authentication',
  },
]

/** `what` opens the message, `endpoints` are those that were tried. */
export function clusterError(what: string, endpoints: readonly string[], cause: unknown): ConetError {
  if (cause instanceof ConetError) return cause
  const words = wordsOf(cause)
  const details = { endpoints: [...endpoints], cause: words }
  if (cause instanceof GRPCDeadlineExceededError) {
    return new ConetError('clusterUnavailable', `${what}: etcd gave no answer in time`, {
      cause,
      details,
      help: unreachable.help,
    })
  }
  const refusal = refusals.find(({ types }) => types.some((type) => cause instanceof type))
  const { found, help } = refusal ?? unreachable
  return new ConetError('clusterUnavailable', `${what}: ${found}: ${words}`, { cause, details, help })
}

/** Whether the client says that it has no connection, which has other reasons than an etcd that is away. */
export function isUnreachable(cause: unknown): boolean {
  return cause instanceof GRPCUnavailableError || (isServiceError(cause) && cause.code === status.UNAVAILABLE)
}

/** As streams have it, which the client hands on as it comes. */
function isServiceError(cause: unknown): cause is Error & { readonly code: unknown } {
  return cause instanceof Error && 'code' in cause
}

/** A member that is reached shows a certificate that is not trusted; `fault` says which, and why. */
export function certificateError(what: string, endpoints: readonly string[], fault: string): ConetError {
  return new ConetError('clusterUnavailable', `${what}: the certificate of etcd is not trusted: ${fault}`, {
    details: { endpoints: [...endpoints], cause: fault },
    help: 'name the authority that has signed it, or the certificate itself, with --cluster-ca; it must name the address that --cluster has, and be in force today',
  })
}

/** The client's words, without its notes on how it resolved names, which are empty or say the same. */
function wordsOf(cause: unknown): string {
  const [words = ''] = (cause instanceof Error ? cause.message : String(cause)).split(/\.? Resolution note:/)
  return words
    .replace(/^\d+ [A-Z_]+: /, '')
    .replace('No connection established. Last error: Error: ', '')
    .replace('Channel closed before call started', 'the connection was lost')
}
