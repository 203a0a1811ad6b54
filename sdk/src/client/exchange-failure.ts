// Says in the catalogue's terms why no answer came, and what a person can do about it.
import { ConetError } from '../errors/index.ts'
import { ExchangeError } from './http-exchange.ts'
import { emptyPlace } from './socket-place.ts'

export type ExchangeFacts = {
  /** What was being done: `plug c1`. */
  readonly what: string
  readonly socketPath: string
  /** The runtime's socket is root's alone, the clients' the group's. */
  readonly family: 'client' | 'runtime'
  readonly signal: AbortSignal
  /** It was only asked for something: nothing may have been done. */
  readonly isRead: boolean
}

export function exchangeFailure(cause: unknown, facts: ExchangeFacts): Error {
  if (facts.signal.aborted) return abortion(facts)
  if (!(cause instanceof ExchangeError)) return cause instanceof Error ? cause : new Error(String(cause))
  return unreachable(cause, facts) ?? brokenOff(cause, facts)
}

function abortion({ what, signal: { reason }, isRead }: ExchangeFacts): ConetError {
  const state = isRead ? { operationState: 'not-started' as const } : {}
  if (!ConetError.is(reason))
    return new ConetError('cancelled', `${what}: given up by the caller`, { cause: reason, ...state })
  if (!isRead || !ConetError.is(reason, 'deadlineExceeded')) return reason
  const help = 'conetd may be busy, or hang: ask again, or allow more time'
  return new ConetError(reason.kind, reason.message, { cause: reason, help, ...state })
}

/** The connection was never made: nothing was done. */
function unreachable(cause: ExchangeError, { socketPath, family }: ExchangeFacts): ConetError | undefined {
  const what = `reach conetd at ${socketPath}`
  const details = { socket: socketPath, errno: cause.code }
  switch (cause.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ECONNREFUSED': {
      const { why, help } = emptyPlace(socketPath)
      const isNamedAlone = family === 'runtime' && !socketPath.endsWith('.runtime.sock')
      return new ConetError('hostUnavailable', `${what}: ${why}`, {
        ...{ cause, details, help: isNamedAlone ? runtimeHelp : help },
      })
    }
    case 'EACCES':
    case 'EPERM':
      return new ConetError('permissionDenied', `${what}: this user may not connect`, {
        ...{ cause, details, help: permissionHelp[family] },
      })
    case 'EAGAIN':
      return new ConetError('overloaded', `${what}: too many connections wait already`, { cause, details })
  }
  return undefined
}

/** Of a runtime's socket that does not follow from the other: where conetd listens for clients is unknown then. */
const runtimeHelp =
  'name the runtime’s socket of a conetd that runs: --runtime-socket PATH or CONET_RUNTIME_SOCKET; without them it is the one beside the other (X.sock → X.runtime.sock)'

const permissionHelp = {
  client: 'become a member of the group conet (`usermod -aG conet USER`, then log in again), or use root',
  runtime: 'use root: the socket of the container runtime is root’s alone',
}

/** The connection ended, or what came is not HTTP. */
function brokenOff(cause: ExchangeError, { what, socketPath }: ExchangeFacts): ConetError {
  const details = { socket: socketPath, errno: cause.code }
  if (cause.code === 'ECONNRESET' || cause.code === 'EPIPE') {
    return new ConetError('hostUnavailable', `${what}: conetd ended before it answered`, {
      ...{ cause, details, operationState: cause.wasSent ? 'unknown' : 'not-started' },
      help: 'look whether it was done, then repeat the call',
    })
  }
  const message = `${what}: no HTTP answer from ${socketPath}: ${cause.message}`
  const help = 'is it conetd that listens there? else name its socket: --socket PATH or CONET_SOCKET'
  return new ConetError('internal', message, { cause, details, help })
}
