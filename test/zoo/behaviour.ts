// How a driver behaves, part by part, and the good way of each part. A mutation replaces one part and nothing else.
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type CallMeta,
  ConetError,
  checkMeta,
  checkParams,
  type InitializeResult,
  type Params,
  type PluggedInterface,
  type PlugParams,
  type RequestMethod,
  requests,
} from '@conet/sdk'
import { jsonRpcCode, UnknownMethodError } from '@conet/sdk/jsonrpc'
import { openSandbox } from '@conet/sdk/linux'
import type { Call, Outcome, Request } from './call.ts'
import { claimPath } from './claim-path.ts'
import { assertEnvelope, isMessageId } from './envelope.ts'
import { assertNotDraining, type Methods, methods, type ZooMethod } from './methods.ts'
import type { Scope } from './order.ts'
import type { Session } from './session.ts'
import { encode, FrameReader, isJsonObject, type JsonObject, maxHeaderBytes, maxHeaderLines } from './wire.ts'
import type { ZooDriver } from './zoo-driver.ts'

/** What its author may choose without breaking a rule. */
export type Variant = {
  readonly name: string
  /** Chooses addresses itself. */
  readonly ipam?: 'driver'
  /** Lets another instance take over; needs records that both can see. */
  readonly hotUpgrade?: boolean
  /** What it has is in a file, for the instances after it and beside it. Only as a program. */
  readonly keepsRecords?: boolean
  /** Answers plugs as if it had made an interface. It never does: the zoo leaves the kernel alone. */
  readonly interfaces?: boolean
}

export type Behaviour = {
  readonly maxMessageBytes: number
  readonly maxInFlight: number
  /** How long it pretends to work on a call. */
  readonly workMs: number
  readonly socketMode: number
  /** How long a host may be silent before `initialize`, and leave a header or a body unfinished. */
  readonly patienceMs: { readonly silence: number; readonly header: number; readonly body: number }
  /** Throws if the driver must not put its socket there. */
  claim(path: string): Promise<void>
  readonly methods: Methods
  /** Whether a connection stands on when its host has ended its half. */
  readonly allowHalfOpen: boolean
  reader(): FrameReader
  /** Throws FramingFault for what is no JSON-RPC. */
  assertEnvelope(message: JsonObject): void
  encode(message: object): Buffer
  write(socket: Socket, bytes: Buffer): void
  /** The stream is out of order, or what it says can be neither served nor answered. */
  fault(session: Session, why: Error): void
  instanceId(): string
  chooseVersion(offered: readonly string[]): string | undefined
  introduce(driver: ZooDriver, protocolVersion: string): InitializeResult
  /** Throws why a request is not served now. */
  admit(request: Request, session: Session): void
  /** Throws, or answers, for a method that there is not. */
  unknown(request: Request): object
  /** Reads `_meta`, or throws. */
  meta(method: ZooMethod, raw: unknown): CallMeta
  validate<M extends RequestMethod>(method: M, params: unknown): Params<M>
  /** Runs a call when those before it on the same object have ended. */
  inTurn<T>(session: Session, scope: Scope, work: () => Promise<T>): Promise<T>
  /** Throws if there is no sandbox to plug into. */
  assertSandbox(path: string): void
  /** What it says of the interface that it has made. */
  interfaceOf(endpoint: PlugParams): PluggedInterface
  answer(session: Session, request: Request, outcome: Outcome): void
  hear(session: Session, method: string, params: unknown): void
  cancel(call: Call): void
  accepted(session: Session): void
  rejected(session: Session, code: number, message: string): void
  /** On SIGTERM. */
  terminate(driver: ZooDriver): Promise<void>
  /** A connection has ended. */
  closed(session: Session): void
  /** Gives the call its time. */
  limit(call: Call): Disposable
  work(call: Call): Promise<void>
}

export const spokenVersions: readonly string[] = ['1.0']

export function goodBehaviour(): Behaviour {
  const maxMessageBytes = 512 * 1024
  const limits = { maxHeaderBytes, maxHeaderLines, maxBodyBytes: maxMessageBytes }
  return {
    maxMessageBytes,
    maxInFlight: 256,
    workMs: 2,
    socketMode: 0o600,
    patienceMs: { silence: 10_000, header: 5_000, body: 30_000 },
    claim: claimPath,
    methods,
    allowHalfOpen: false,
    reader: () => new FrameReader(limits),
    assertEnvelope,
    encode,
    write: (socket, bytes) => void socket.write(bytes),
    fault: ({ socket }) => void socket.destroy(),
    instanceId: randomUUID,
    chooseVersion: (offered) => spokenVersions.find((version) => offered.includes(version)),
    introduce,
    admit,
    unknown: ({ method }) => {
      throw new UnknownMethodError(`${method}: there is no such method`)
    },
    meta: checkMeta,
    validate: checkParams,
    inTurn: ({ driver }, scope, work) => driver.order.run(scope, work),
    assertSandbox: (path) => openSandbox(path).close(),
    interfaceOf,
    answer: (session, { id }, outcome) => session.reply(id, outcome),
    hear,
    cancel: (call) => call.giveUp('cancelled', 'given up by the caller'),
    accepted,
    rejected,
    terminate: (driver) => driver.end(0),
    closed: () => undefined,
    limit,
    work,
  }
}

function introduce({ variant, behaviour, instanceId }: ZooDriver, protocolVersion: string): InitializeResult {
  const { name, ipam = 'host', hotUpgrade = false } = variant
  return {
    protocolVersion,
    driver: { name, vendor: 'zoo', version: '1.0.0', instanceId },
    capabilities: { methods: Object.keys(requests), scope: 'local', ipam, hotUpgrade },
    limits: { maxMessageBytes: behaviour.maxMessageBytes, maxInFlight: behaviour.maxInFlight },
    configSchema: { type: 'object', properties: { parent: { type: 'string' } } },
    attachmentSchema: { type: 'object' },
    policySchema: { type: 'object' },
  }
}

function admit({ method, params }: Request, session: Session): void {
  const { behaviour } = session.driver
  if (params !== undefined && !isJsonObject(params)) throw new PositionalParams(method)
  if (method === 'initialize') {
    if (session.isInitialized) throw new ConetError('alreadyInitialized', 'initialize: came a second time')
    return
  }
  if (!session.isInitialized) throw new ConetError('notInitialized', `${method}: came before initialize`)
  assertNotDraining(session.driver, method)
  if (session.calls.size >= behaviour.maxInFlight && method !== 'driver/ping') {
    throw new ConetError('overloaded', `${method}: too much is under way`)
  }
}

function interfaceOf({ interface: wanted }: PlugParams): PluggedInterface {
  const { name, macAddress, addresses, mtu } = wanted
  return {
    configuredBy: 'driver',
    name,
    macAddress,
    addresses,
    ...(mtu !== undefined && { mtu }),
    routes: [],
  }
}

/** A request that is answered -32602 (RPC-2). */
export class PositionalParams extends Error {
  readonly code = jsonRpcCode.invalidParams

  constructor(method: string) {
    super(`${method}: params must be an object`)
  }
}

function hear(session: Session, method: string, params: unknown): void {
  const { behaviour } = session.driver
  if (params !== undefined && !isJsonObject(params)) return
  if (method === '$/cancelRequest') {
    const call = isMessageId(params?.id) ? session.calls.get(params.id) : undefined
    if (call !== undefined) behaviour.cancel(call)
  }
  if (!session.isInitialized) return
  if (method === 'initialized' && !session.isAccepted) {
    session.isAccepted = true
    behaviour.accepted(session)
  }
  if (method === 'rejected') behaviour.rejected(session, Number(params?.code), String(params?.message))
}

function accepted(session: Session): void {
  session.notify('driver/event', { type: 'accepted', message: 'the zoo is open' })
}

function rejected({ driver }: Session, code: number, message: string): void {
  driver.log(`rejected: ${code} ${message}`)
  if (code === 1311) void driver.end(0)
}

function limit(call: Call): Disposable {
  const { timeoutMs } = call.meta
  const timer = setTimeout(() => call.giveUp('deadlineExceeded', `no end after ${timeoutMs} ms`), timeoutMs)
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}

/** Pretends to work, and says how far it is. Rejects when the call is given up. */
async function work(call: Call): Promise<void> {
  const { session, signal, meta } = call
  const { workMs } = session.driver.behaviour
  signal.throwIfAborted()
  await sleep(workMs / 2, undefined, { signal }).catch(() => signal.throwIfAborted())
  if (meta.progressToken !== undefined) {
    session.notify('$/progress', { token: meta.progressToken, message: 'half of it is done', percentage: 50 })
  }
  await sleep(workMs / 2, undefined, { signal }).catch(() => signal.throwIfAborted())
}
