// Four ways to ask another process for the same: to unplug an endpoint, the smallest call that changes something.
import { once } from 'node:events'
import { lstat } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { DriverRegistry } from '@conet/host/drivers/index'
import { socketIdentity } from '@conet/host/drivers/socket-identity'
import type { UnplugParams } from '@conet/sdk'
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node'
import { newId, sampleSandbox } from '../../support/driver-client.ts'

/** Calls over one connection, or as many as its protocol needs. Closing it ends them. */
export type Caller = AsyncDisposable & { call(): Promise<unknown> }

/** As many endpoints as there are calls under way at most: calls on one endpoint wait for each other. */
const networkId = newId()
const unplugs = Array.from(
  { length: 64 },
  (): UnplugParams => ({ networkId, endpointId: newId(), sandbox: sampleSandbox }),
)
let last = 0

function nextUnplug(): UnplugParams {
  last = (last + 1) % unplugs.length
  const unplug = unplugs[last]
  if (unplug === undefined) throw new Error(`there is no endpoint ${last}`)
  return unplug
}

const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }

/** As the session adds it. */
const meta = { operationId: 'bench', attempt: 1, timeoutMs: 30_000, progressToken: '1', ...trace }

const ignore = () => undefined

/** conetd's own session with a driver: handshake, checked answers, deadlines, trace context. */
export async function sessionCaller(socketPath: string): Promise<Caller> {
  const registry = new DriverRegistry({
    host: { name: 'bench', version: '0.0.0', instanceId: 'bench', nodeId: 'bench' },
    sinks: { event: ignore, log: ignore, readiness: ignore, violation: ignore, health: ignore },
    sync: async () => undefined,
    onChange: () => undefined,
    onError: (error) => console.error(error),
  })
  registry.expect(['null'])
  const identity = socketIdentity(socketPath, await lstat(socketPath, { bigint: true }))
  registry.appeared({ path: socketPath, identity, since: new Date(), refusal: undefined })
  const session = await registry.require('null')
  const options = { operationId: 'bench', trace }
  return {
    call: () => session.call('endpoint/unplug', nextUnplug(), options),
    [Symbol.asyncDispose]: () => registry.close(1_000),
  }
}

/** One line of JSON each way, with the same content as the session's, matched by its id; nothing is checked. */
export async function newlineCaller(socketPath: string): Promise<Caller> {
  const socket = connect(socketPath)
  await once(socket, 'connect')
  const waiting = new Map<number, (result: unknown) => void>()
  let nextId = 1
  let rest = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const { id, result } = JSON.parse(line)
      waiting.get(id)?.(result)
      waiting.delete(id)
    }
  })
  return {
    call: () =>
      new Promise((resolve) => {
        const id = nextId++
        waiting.set(id, resolve)
        const params = { ...nextUnplug(), _meta: meta }
        socket.write(`${JSON.stringify({ id, method: 'endpoint/unplug', params })}\n`)
      }),
    async [Symbol.asyncDispose]() {
      socket.destroy()
    },
  }
}

/** vscode-jsonrpc with its own reader and writer. */
export async function stockCaller(socketPath: string): Promise<Caller> {
  const socket = connect(socketPath)
  await once(socket, 'connect')
  const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket))
  connection.listen()
  return {
    call: () => connection.sendRequest('endpoint/unplug', nextUnplug()),
    async [Symbol.asyncDispose]() {
      connection.dispose()
      socket.destroy()
    },
  }
}

/** Docker's plugin protocol: a POST a call, over connections that are kept alive. */
export function dockerCaller(socketPath: string, connections: number): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  return {
    call: () => post(agent, socketPath),
    async [Symbol.asyncDispose]() {
      agent.destroy()
    },
  }
}

function post(agent: Agent, socketPath: string): Promise<unknown> {
  const body = JSON.stringify(nextUnplug())
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const path = '/NetworkDriver.Leave'
    const call = request({ agent, socketPath, path, method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString('utf8'))))
      response.on('error', reject)
    })
    call.on('error', reject).end(body)
  })
}
