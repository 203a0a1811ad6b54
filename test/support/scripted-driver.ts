// The far end of a driver socket, in the test's own process, spoken over a real socket: it answers each method as the
// test says, also wrongly or not at all, which no driver on the SDK could be made to do.
import { randomUUID } from 'node:crypto'
import { rename } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { ConetError, requests } from '@conet/sdk'
import { type JsonObject, JsonRpcPeer } from '@conet/sdk/jsonrpc'

export type Answer = (params: JsonObject | undefined) => unknown

export class ScriptedDriver implements AsyncDisposable {
  readonly path: string
  /** What was asked and told, in order. */
  readonly heard: { method: string; params: JsonObject | undefined }[] = []
  readonly #answers = new Map<string, Answer>()
  readonly #sockets = new Set<Socket>()
  readonly #peers = new Set<JsonRpcPeer>()
  readonly #server: Server

  private constructor(path: string, name: string) {
    this.path = path
    this.#server = createServer((socket) => this.#accept(socket))
    this.answer('initialize', () => introduction(name))
    this.answer('driver/probe', () => ({ healthy: true, checks: [] }))
    for (const method of [
      'network/create',
      'network/delete',
      'endpoint/create',
      'driver/ping',
      'driver/drain',
    ]) {
      this.answer(method, () => ({}))
    }
  }

  /** Listens like a driver of the SDK: bound under a name that is ignored, then renamed. */
  static async listen(
    path: string,
    name: string,
    answers: Record<string, Answer> = {},
  ): Promise<ScriptedDriver> {
    const driver = new ScriptedDriver(path, name)
    for (const [method, answer] of Object.entries(answers)) driver.answer(method, answer)
    const draft = join(dirname(path), `.${basename(path)}-${randomUUID().slice(0, 8)}`)
    await new Promise<void>((resolve) => driver.#server.listen(draft, resolve))
    await rename(draft, path)
    return driver
  }

  answer(method: string, answer: Answer): void {
    this.#answers.set(method, answer)
  }

  get connections(): number {
    return this.#sockets.size
  }

  timesHeard(method: string): number {
    return this.heard.filter((message) => message.method === method).length
  }

  /** Tells every host that is connected; one that has just hung up hears nothing. */
  notify(method: string, params: JsonObject): void {
    for (const peer of this.#peers) {
      try {
        peer.notify(method, params)
      } catch (error) {
        if (!ConetError.is(error, 'driverUnavailable')) throw error
      }
    }
  }

  /** Writes bytes that are no message. */
  babble(text: string): void {
    for (const socket of this.#sockets) socket.write(text)
  }

  /** Ends the connections as a process that is killed would. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(socket: Socket): void {
    const peer = new JsonRpcPeer(socket, { onError: () => undefined })
    this.#sockets.add(socket)
    this.#peers.add(peer)
    peer.onClose(() => {
      this.#sockets.delete(socket)
      this.#peers.delete(peer)
    })
    peer.onNotification((method, params) => {
      this.heard.push({ method, params })
    })
    peer.onRequest((method, params) => {
      this.heard.push({ method, params })
      return this.#answers.get(method)?.(params)
    })
  }
}

/** A good answer to `initialize`. */
export function introduction(name: string) {
  return {
    protocolVersion: '1.0',
    driver: { name, version: '1.2.3', instanceId: randomUUID() },
    capabilities: { methods: Object.keys(requests), scope: 'local' },
    limits: { maxMessageBytes: 1_000_000 },
  }
}
