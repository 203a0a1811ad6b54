// Says in the catalogue's terms why no answer came, and what a person can do about it.
import { ConetError } from '../errors/index.ts'
import { ExchangeError } from './http-exchange.ts'
import { defaultSocketPath } from './socket-paths.ts'

export type ExchangeFacts = {
  /** What was being done: `plug c1`. */
  readonly what: string
  readonly socketPath: string
  /** The runtime's socket is root's alone, the clients' the group's. */
  readonly family: 'client' | 'runtime'
  readonly signal: AbortSignal
}

export function exchangeFailure(cause: unknown, facts: ExchangeFacts): Error {
  if (facts.signal.aborted) return abortion(facts)
  if (!(cause instanceof ExchangeError)) return cause instanceof Error ? cause : new Error(String(cause))
  return unreachable(cause, facts) ?? brokenOff(cause, facts)
}

function abortion({ what, signal }: ExchangeFacts): ConetError {
  if (ConetError.is(signal.reason)) return signal.reason
  return new ConetError('cancelled', `${what}: given up by the caller`, { cause: signal.reason })
}

/** The connection was never made: nothing was done. */
function unreachable(cause: ExchangeError, { socketPath, family }: ExchangeFacts): ConetError | undefined {
  const what = `reach conetd at ${socketPath}`
  const details = { socket: socketPath, errno: cause.code }
  switch (cause.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new ConetError('hostUnavailable', `${what}: there is no such socket`, {
        ...{ cause, details, help: startHelp(socketPath) },
      })
    case 'ECONNREFUSED':
      return new ConetError('hostUnavailable', `${what}: nobody listens there`, {
        ...{ cause, details, help: startHelp(socketPath) },
      })
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

function startHelp(socketPath: string): string {
  const socket = clientSocketOf(socketPath)
  const place = socket === defaultSocketPath ? '' : ` --socket ${socket}`
  return `start it as root: conetd${place} --spawn bridge,null (it starts these drivers too)\nname the socket of one that runs: --socket PATH or CONET_SOCKET`
}

function clientSocketOf(socketPath: string): string {
  return socketPath.replace(/\.runtime\.sock$/, '.sock')
}

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
  return new ConetError('internal', message, { cause, details })
}
