// What the failure of a call means: whose it is, whether the driver missed its time, whether a look at it is worth while.
import { ConetError, type ErrorKind } from '@conet/sdk'
import { jsonRpcCode } from '@conet/sdk/jsonrpc'

/** Failures whose message does not tell which driver failed. */
const anonymousKinds: ReadonlySet<ErrorKind> = new Set([
  'deadlineExceeded',
  'driverUnavailable',
  'protocolViolation',
  'messageTooLarge',
  'overloaded',
  'internal',
])

/** Failures for which a look at what the driver depends on is worth while. */
const troubleKinds: ReadonlySet<ErrorKind> = new Set([
  'deadlineExceeded',
  'backendUnavailable',
  'notReady',
  'internal',
])

/** The codes of JSON-RPC that an answer may have; those of a driver's own begin where the catalogue ends. */
const reservedCodes: ReadonlySet<number> = new Set([
  jsonRpcCode.methodNotFound,
  jsonRpcCode.invalidParams,
  jsonRpcCode.internalError,
])
const firstOwnCode = 2000

/** What a call was about, as far as its parameters say so. */
type Subject = { readonly endpointId?: string; readonly networkId?: string }

/** The same error, naming the driver and what was asked about where its message tells neither. */
export function namingCall(error: ConetError, driver: string, params: object): ConetError {
  if (!anonymousKinds.has(error.kind)) return error
  const { kind, message, fields, details, operationState, help } = error
  const subject = subjectOf(params)
  return new ConetError(kind, `driver "${driver}"${wordsFor(subject)}: ${message}`, {
    cause: error,
    fields: [...fields],
    details: { ...details, driver, ...subject },
    operationState,
    ...(help !== undefined && { help }),
  })
}

function subjectOf(params: object): Subject {
  const { endpointId, networkId, network }: { endpointId?: unknown; networkId?: unknown; network?: unknown } =
    params
  const made = typeof network === 'object' && network !== null && 'id' in network ? network.id : networkId
  return {
    ...(typeof endpointId === 'string' && { endpointId }),
    ...(typeof made === 'string' && { networkId: made }),
  }
}

function wordsFor({ endpointId, networkId }: Subject): string {
  if (endpointId !== undefined) return `, endpoint ${endpointId}`
  return networkId === undefined ? '' : `, network ${networkId}`
}

/** Whether the driver was asked and did not answer in time: what waited in the host's own line was not asked of it. */
export function wasMissed({ kind, operationState }: ConetError): boolean {
  return kind === 'deadlineExceeded' && operationState !== 'not-started'
}

export function isTrouble({ kind }: ConetError): boolean {
  return troubleKinds.has(kind)
}

/** A code may be of the catalogue, of JSON-RPC where the protocol has it, or the driver's own from 2000 on. */
export function faultOfCode({ message, details: { wireCode } }: ConetError): string | undefined {
  if (typeof wireCode !== 'number' || wireCode >= firstOwnCode || reservedCodes.has(wireCode))
    return undefined
  return `there is no code ${wireCode}: ${message}`
}
