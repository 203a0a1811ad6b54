// A host as small as it can be: one connection to a driver's socket, and the documents that calls need.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import {
  checkResult,
  type InitializedParams,
  type InitializeParams,
  type Params,
  type RequestMethod,
  type Result,
} from '@conet/sdk'
import { type JsonObject, JsonRpcPeer } from '@conet/sdk/jsonrpc'

export const initializeParams: InitializeParams = {
  protocolVersions: ['1.0'],
  host: { name: 'test', version: '0.0.0', instanceId: 'test-host' },
  nodeId: 'test-node',
  limits: { maxMessageBytes: 4 * 1024 * 1024 },
}

export type Notice = { readonly method: string; readonly params: JsonObject | undefined }

export class DriverClient implements AsyncDisposable {
  readonly peer: JsonRpcPeer
  readonly notices: Notice[] = []
  isClosed = false

  private constructor(peer: JsonRpcPeer) {
    this.peer = peer
    peer.onNotification((method, params) => {
      this.notices.push({ method, params })
    })
    peer.onClose(() => {
      this.isClosed = true
    })
  }

  static async connect(socketPath: string): Promise<DriverClient> {
    const socket = connect(socketPath)
    await once(socket, 'connect')
    const peer = new JsonRpcPeer(socket, {
      onError: (error) => {
        throw error
      },
      reservedMethods: ['$/progress'],
    })
    return new DriverClient(peer)
  }

  /** Connected and accepted, as after the handshake of a host. */
  static async initialized(
    socketPath: string,
    { role = 'active', ...overrides }: Partial<InitializeParams> & InitializedParams = {},
  ): Promise<DriverClient> {
    const client = await DriverClient.connect(socketPath)
    await client.raw('initialize', { ...initializeParams, ...overrides })
    client.peer.notify('initialized', { role })
    return client
  }

  async call<M extends RequestMethod>(
    method: M,
    params: Params<M> & object,
    options: CallOptions = {},
  ): Promise<Result<M>> {
    return checkResult(method, await this.raw(method, params, options))
  }

  /** Anything, right or wrong. `budgetMs` is what the driver is told, `timeoutMs` when this side gives up. */
  raw(
    method: string,
    params: object,
    { budgetMs, timeoutMs = 10_000, signal, progressToken }: CallOptions = {},
  ): Promise<unknown> {
    const token = progressToken === undefined ? {} : { progressToken }
    const meta =
      budgetMs === undefined && progressToken === undefined
        ? {}
        : { _meta: { operationId: 'op', attempt: 1, timeoutMs: budgetMs ?? 10_000, ...token } }
    return this.peer.request(method, { ...params, ...meta }, { timeoutMs, ...(signal && { signal }) })
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.peer.abort(undefined)
    return this.peer.close()
  }
}

export type CallOptions = {
  readonly budgetMs?: number
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  readonly progressToken?: string
}

export function newId(): string {
  return randomBytes(32).toString('hex')
}

export function sampleNetwork(id = newId()): Params<'network/create'>['network'] {
  const subnets = [{ subnet: '10.0.0.0/16', gateway: '10.0.0.1' }]
  return { id, name: 'net', labels: {}, internal: false, subnets, config: {} }
}

export function sampleEndpoint(network = sampleNetwork(), endpointId = newId()): Params<'endpoint/create'> {
  return {
    network,
    endpointId,
    container: { handle: 'box', labels: {} },
    interface: {
      name: 'eth0',
      macAddress: '02:42:0a:00:00:02',
      addresses: ['10.0.0.2/16'],
      defaultRoute: true,
      routes: [],
    },
    options: {},
  }
}

export const sampleSandbox = { id: 'sandbox', path: '/run/conet/netns/sandbox' }
