// One connection, in bytes and messages: sends whatever it is told to, keeps what comes back.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { encode, FrameReader, type JsonObject, maxHeaderBytes, maxHeaderLines } from '../zoo/wire.ts'

const maxBodyBytes = 8 * 1024 * 1024

export class BareConnection implements Disposable {
  readonly socket: Socket
  readonly #waiting = new Map<unknown, (reply: JsonObject) => void>()
  readonly #ended: Promise<void>
  #lastId = 0

  constructor(socket: Socket) {
    this.socket = socket
    const reader = new FrameReader({ maxHeaderBytes, maxHeaderLines, maxBodyBytes })
    socket.on('data', (chunk) => {
      for (const message of reader.read(chunk)) this.#receive(message)
    })
    socket.on('error', () => undefined)
    this.#ended = new Promise((resolve) => socket.once('close', () => resolve()))
  }

  static async open(path: string): Promise<BareConnection> {
    const socket = connect(path)
    await once(socket, 'connect')
    return new BareConnection(socket)
  }

  /** Sends them at once, the requests under ids of their own; resolves to the answers. */
  exchange(messages: readonly JsonObject[]): Promise<JsonObject[]> {
    const numbered = messages.map((message) => (message.id === undefined ? message : this.#numbered(message)))
    const requests = numbered.filter(({ id }) => id !== undefined)
    const replies = requests.map(({ id }) => this.#reply(id))
    this.socket.write(Buffer.concat(numbered.map(encode)))
    return Promise.all(replies)
  }

  async request(method: string, params: object): Promise<JsonObject> {
    const [reply = {}] = await this.exchange([{ jsonrpc: '2.0', id: 0, method, params }])
    return reply
  }

  /** Sends the last bytes, whose answer does not matter; resolves when the other side has ended the connection, too. */
  static async last(path: string, bytes: Buffer): Promise<void> {
    const socket = connect(path).on('error', () => undefined)
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.resume().end(bytes)
    await ended
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }

  #numbered(message: JsonObject): JsonObject {
    this.#lastId += 1
    return { ...message, id: this.#lastId }
  }

  #reply(id: unknown): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, resolve)
      void this.#ended.then(() => reject(new Error(`the connection ended before request ${id} was answered`)))
    })
  }

  #receive(message: JsonObject): void {
    if (message.method !== undefined) return
    const resolve = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if (resolve === undefined) throw new Error(`an answer that nobody asked for: ${JSON.stringify(message)}`)
    resolve(message)
  }
}
