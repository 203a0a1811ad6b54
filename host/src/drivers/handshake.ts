// The first exchange with a driver, as the host sees it: say who we are, judge the answer. A driver that is not to be
// used is an answer (`ok: false`), as it stays so until the driver is another; a connection that fails is thrown.
import {
  ConetError,
  checkResult,
  type ErrorKind,
  type InitializeResult,
  protocolVersions,
  requests,
  type Timeouts,
} from '@conet/sdk'
import { defaultLimits, type JsonRpcPeer } from '@conet/sdk/jsonrpc'
import { DriverDocuments } from './driver-documents.ts'
import type { IsolatedChecks } from './isolated-checks.ts'
import type { SessionTiming } from './session-options.ts'
import { isVersion } from './version-rules.ts'

/** Who the host is, for drivers to know. */
export type HostIdentity = {
  readonly name: string
  readonly version: string
  /** New with each start. */
  readonly instanceId: string
  readonly nodeId: string
  /** To which tunnels of other hosts lead; absent: this host is in no cluster. */
  readonly underlayAddress?: string | undefined
}

/** A driver as it introduced itself. */
export type DriverIdentity = InitializeResult['driver'] &
  Pick<
    InitializeResult,
    'protocolVersion' | 'capabilities' | 'limits' | 'configSchema' | 'attachmentSchema' | 'policySchema'
  >

export type Introduction = { readonly driver: DriverIdentity; readonly documents: DriverDocuments }

export type Handshake =
  | { readonly ok: true; readonly introduction: Introduction }
  | { readonly ok: false; readonly error: ConetError }

/** Answers to `initialize` that another try would not change. */
const finalKinds: ReadonlySet<ErrorKind> = new Set([
  'unsupportedProtocolVersion',
  'unsupported',
  'invalidArgument',
  'protocolViolation',
])

export type HandshakeOptions = {
  readonly host: HostIdentity
  readonly timing: SessionTiming
  readonly isolatedChecks: IsolatedChecks
  readonly signal: AbortSignal
}

export async function shakeHands(
  peer: JsonRpcPeer,
  { host, timing, isolatedChecks, signal }: HandshakeOptions,
): Promise<Handshake> {
  const { nodeId, underlayAddress, ...about } = host
  const params = {
    protocolVersions,
    host: about,
    nodeId,
    ...(underlayAddress !== undefined && { underlayAddress }),
    limits: { maxMessageBytes: defaultLimits.maxMessageBytes, maxInFlight: defaultLimits.maxInFlight },
    timeouts: timeoutsOf(timing),
  }
  try {
    const answer = await peer.request('initialize', params, {
      timeoutMs: requests.initialize.timeoutMs,
      signal,
    })
    const result = checkResult('initialize', answer)
    peer.limitOutgoing(Math.min(result.limits.maxMessageBytes, defaultLimits.maxOutgoingBytes))
    return { ok: true, introduction: introduce(result, isolatedChecks) }
  } catch (error) {
    if (ConetError.is(error) && finalKinds.has(error.kind)) return { ok: false, error: withHelp(error) }
    throw error
  }
}

function timeoutsOf(timing: SessionTiming): Timeouts {
  return {
    callMs: timing.callTimeoutMs,
    mostCallMs: timing.mostCallTimeoutMs,
    pingIntervalMs: timing.pingIntervalMs,
    pingTimeoutMs: timing.pingTimeoutMs,
    drainMs: timing.drainTimeoutMs,
  }
}

/** Throws what the driver is rejected for. */
function introduce(result: InitializeResult, isolatedChecks: IsolatedChecks): Introduction {
  const { driver, protocolVersion, capabilities, limits } = result
  const { configSchema, attachmentSchema, policySchema } = result
  assertOffered(result)
  assertSemver(driver)
  assertComplete(result)
  const schemas = {
    ...(configSchema && { configSchema }),
    ...(attachmentSchema && { attachmentSchema }),
    ...(policySchema && { policySchema }),
  }
  return {
    driver: { ...driver, protocolVersion, capabilities, limits, ...schemas },
    documents: new DriverDocuments(driver.name, schemas, isolatedChecks),
  }
}

const otherVersionHelp = `Install a version of the driver that speaks protocol ${protocolVersions.join(' or ')}, or another version of conet.`

function assertOffered({ driver, protocolVersion }: InitializeResult): void {
  if (protocolVersions.includes(protocolVersion)) return
  const offered = protocolVersions.join(', ')
  const message = `driver "${driver.name}" chose protocol ${protocolVersion}, the host offered ${offered}`
  throw new ConetError('unsupportedProtocolVersion', message, { help: otherVersionHelp })
}

/** The driver may have refused by its own word, which says nothing of what a person can do. */
function withHelp(error: ConetError): ConetError {
  const { kind, message, help, fields, details } = error
  if (kind !== 'unsupportedProtocolVersion' || help !== undefined) return error
  return new ConetError(kind, message, {
    cause: error,
    fields: [...fields],
    details: { ...details },
    help: otherVersionHelp,
  })
}

function assertSemver({ name, version }: InitializeResult['driver']): void {
  if (isVersion(version)) return
  const problem = `is ${JSON.stringify(version)}, which is no version as of semver.org (1.2.3)`
  throw new ConetError('protocolViolation', `driver "${name}": its version ${problem}`, {
    fields: [{ path: 'driver.version', message: problem }],
  })
}

function assertComplete({ driver, capabilities }: InitializeResult): void {
  const missing = requiredMethods.filter((method) => !capabilities.methods.includes(method))
  if (missing.length === 0) return
  const message = `driver "${driver.name}" lacks required methods: ${missing.join(', ')}`
  throw new ConetError('protocolViolation', message)
}

/** `initialize` need not be listed: it was answered. */
const requiredMethods = Object.entries(requests).flatMap(([method, { required }]) =>
  required && method !== 'initialize' ? [method] : [],
)
