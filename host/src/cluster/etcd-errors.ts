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
import type { CertificateFault } from './certificate-look.ts'
import type { EtcdOptions } from './etcd-identity.ts'
import { type AskedKey, askedWords } from './etcd-requests.ts'

type Trouble = { readonly found: string; readonly help: string }
type Refusal = Pick<Trouble, 'found'> & {
  readonly types: readonly (new (words: string) => Error)[]
  help(options: EtcdOptions): string
}

const unreachable: Trouble = {
  found: 'etcd cannot be reached',
  help: 'look whether etcd runs and whether this host reaches it; containers that run are not affected',
}

const readAgain = ', which is read again without a restart'

const notTaken = [EtcdAuthenticationFailedError, EtcdInvalidAuthTokenError, GRPCUnauthenticatedError]

/** Etcd runs and has answered: to look whether it does would lead nowhere. */
const refusals: readonly Refusal[] = [
  {
    types: notTaken,
    found: 'etcd refuses the user or the password of this host',
    help: ({ user }) =>
      `look at --cluster-user and the password in --cluster-password-file${placeOf(user)}: with both, \`etcdctl --user NAME:PASSWORD get /conet/v1/\` must answer`,
  },
  {
    types: [EtcdPermissionDeniedError],
    found: 'etcd refuses this to the user of this host',
    help: () =>
      'let a role of --cluster-user read and write there: etcdctl role grant-permission ROLE --prefix=true readwrite /conet/v1/',
  },
  {
    types: [GRPCInvalidArgumentError],
    found: 'etcd refuses what this host asks',
    help: () => 'an etcd that asks for passwords wants --cluster-user and --cluster-password-file',
  },
  {
    types: [GRPCFailedPreconditionError],
    found: 'etcd refuses what this host asks',
    help: () =>
      'an etcd that asks for no passwords takes none: leave --cluster-user away, or enable its authentication',
  },
]

/** `of` opens the message, `endpoints` are those that were tried. */
export function clusterError(of: string | AskedKey, options: EtcdOptions, cause: unknown): ConetError {
  if (cause instanceof ConetError) return cause
  const words = wordsOf(cause)
  const { what, ...key } = opening(of)
  const details = { endpoints: [...options.endpoints], cause: words, ...key }
  if (cause instanceof GRPCDeadlineExceededError) {
    return new ConetError('clusterUnavailable', `${what}: etcd gave no answer in time`, {
      cause,
      details,
      help: unreachable.help,
    })
  }
  const refusal = refusals.find(({ types }) => types.some((type) => cause instanceof type))
  const found = refusal?.found ?? unreachable.found
  const help = refusal?.help(options) ?? unreachable.help
  return new ConetError('clusterUnavailable', `${what}: ${found}: ${words}`, { cause, details, help })
}

/** Whether the client says that it has no connection, which has other reasons than an etcd that is away. */
export function isUnreachable(cause: unknown): boolean {
  return cause instanceof GRPCUnavailableError || (isServiceError(cause) && cause.code === status.UNAVAILABLE)
}

/** Whether etcd has answered, be it with a refusal: it is there, and whoever asks it again gets an answer too. */
export function isAnswer(cause: unknown): boolean {
  if (isUnreachable(cause) || cause instanceof GRPCDeadlineExceededError) return false
  return !(isServiceError(cause) && cause.code === status.DEADLINE_EXCEEDED)
}

/** As streams have it, which the client hands on as it comes. */
function isServiceError(cause: unknown): cause is Error & { readonly code: unknown } {
  return cause instanceof Error && 'code' in cause
}

/** Whether etcd has answered, and does not take this host for who it is, or does not let it do what it must. */
export function isRefusal(cause: unknown): boolean {
  return refusals.some(({ types }) => types.some((type) => cause instanceof type))
}

/** The certificate of a member, or that of this host, is not trusted; `fault` says which, and why. */
export function certificateError(
  of: string | AskedKey,
  { endpoints, tls }: EtcdOptions,
  fault: CertificateFault,
) {
  const { what, ...key } = opening(of)
  const { found, help } = troubles[fault.of]
  return new ConetError('clusterUnavailable', `${what}: ${found}: ${fault.reason}`, {
    details: { endpoints: [...endpoints], cause: fault.reason, ...key },
    help: help(tls),
  })
}

const troubles: Record<
  CertificateFault['of'],
  { readonly found: string; help(tls: EtcdOptions['tls']): string }
> = {
  etcd: {
    found: 'the certificate of etcd is not trusted',
    help: (tls) =>
      `name the authority that has signed it, or the certificate itself, with --cluster-ca${inFile(tls?.caFile)}; it must name the address that --cluster has, and be in force today`,
  },
  host: {
    found: 'etcd does not trust the certificate of this host',
    help: (tls) =>
      tls?.certFile === undefined
        ? 'it wants one: start conetd with --cluster-cert and --cluster-key, the files of a certificate that etcd trusts and of its key'
        : `put a certificate that etcd trusts into the file of --cluster-cert${inFile(tls.certFile)} and its key into that of --cluster-key${inFile(tls.keyFile)}${readAgain}`,
  },
  isPlain: {
    found: 'etcd speaks no TLS, and this host does',
    help: () =>
      'start conetd with --cluster etcd:// and without --cluster-ca, --cluster-cert, --cluster-key and --cluster-insecure-skip-tls-verify, or let etcd speak TLS',
  },
  isTls: {
    found: 'etcd speaks TLS, and this host does not',
    help: () =>
      'start conetd with --cluster etcds://, and with --cluster-ca if its authority is not widely known',
  },
}

/** What the files hold now cannot be shown to etcd. */
export function unreadableError({ endpoints }: EtcdOptions, cause: unknown): ConetError {
  const message = `etcd refuses this host, and what is in its files now cannot be shown: ${wordsOf(cause)}`
  return new ConetError('clusterUnavailable', message, {
    cause,
    details: { endpoints: [...endpoints], cause: wordsOf(cause) },
    help: `mend the file${readAgain}`,
  })
}

function opening(of: string | AskedKey): { readonly what: string; readonly key?: string } {
  return typeof of === 'string' ? { what: of } : { what: askedWords(of), key: of.key }
}

/** The password may have come with the name: then only a start takes another one. */
function placeOf(user: EtcdOptions['user']): string {
  return user !== undefined && 'passwordFile' in user ? `${inFile(user.passwordFile)}${readAgain}` : ''
}

function inFile(path: string | undefined): string {
  return path === undefined ? '' : ` (${path})`
}

/** The client's words, without its notes on how it resolved names, which are empty or say the same. */
function wordsOf(cause: unknown): string {
  const [words = ''] = (cause instanceof Error ? cause.message : String(cause)).split(/\.? Resolution note:/)
  return words
    .replace(/^\d+ [A-Z_]+: /, '')
    .replace('No connection established. Last error: Error: ', '')
    .replace('Channel closed before call started', 'the connection was lost')
}
