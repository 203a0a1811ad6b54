// Requests and their answers over one socket: batches, dumps, verdicts. It knows no message of rtnetlink.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { KernelError } from '../kernel-error.ts'
import { BatchError } from './batch-error.ts'
import { NLM_F, NLMSG } from './constants.ts'
import { messagesIn, type NetlinkMessage, verdictOf } from './message.ts'
import { formatMessages, messageLength, type RouteRequest } from './request.ts'
import { RouteSocket } from './route-socket.ts'

const MAX_SEND_BYTES = 128 * 1024
const MAX_SEND_REQUESTS = 1024
const MAX_DUMPS = 10
const MAX_DUMPS_IN_TURNS = 3
/** Of a dump, before others have theirs. */
const TURN_MS = 4
const EINTR = 4

export type TransactionOptions = {
  /** Error codes that count as success, for steps that may be repeated: `['EEXIST']`, `['ENODEV']`. */
  tolerate?: readonly string[]
}

/** What the kernel answers besides verdicts. The message is valid during the call only. */
export type ReplyListener = (message: NetlinkMessage) => void

/** A socket and the numbering of what is sent over it. One transaction at a time. */
export class Transactions {
  readonly #socket: RouteSocket
  #sequence = 0

  /** By default in the namespace of the calling thread. Throws a KernelError. */
  constructor(socket = new RouteSocket()) {
    this.#socket = socket
  }

  /** Others in the same namespace, with answers of their own. Throws a KernelError. */
  beside(): Transactions {
    return new Transactions(this.#socket.beside())
  }

  /**
   * Sends the requests, in few sends, and collects their verdicts. Throws the KernelError of a single
   * request, a BatchError for several; stops after the send in which one failed.
   */
  run(requests: readonly RouteRequest[], options: TransactionOptions = {}, onReply?: ReplyListener): void {
    for (const part of parts(requests)) {
      const first = this.#number(part.requests.length)
      this.#socket.send(formatMessages(part.requests, first), operationOf(part.requests))
      this.#collect(part, { ...options, first, onReply, total: requests.length })
    }
  }

  /** As `run`, but it is a thread of libuv's pool that waits in the kernel. */
  async runInThread(requests: readonly RouteRequest[], options: TransactionOptions = {}): Promise<void> {
    for (const part of parts(requests)) {
      const first = this.#number(part.requests.length)
      await this.#socket.sendInThread(formatMessages(part.requests, first), operationOf(part.requests))
      this.#collect(part, { ...options, first, total: requests.length })
    }
  }

  /** Reads a table. Reads it again when it changed meanwhile, so that what comes back is one state of it. */
  dump<T>(request: RouteRequest, parse: (message: NetlinkMessage) => T | undefined): T[] {
    for (let attempt = 0; attempt < MAX_DUMPS; attempt++) {
      const { found, interrupted } = this.#dumpOnce(request, parse)
      if (!interrupted) return found
    }
    const kernelMessage = `the table changed during each of ${MAX_DUMPS} reads`
    throw new KernelError({ errno: EINTR, operation: request.operation, kernelMessage })
  }

  /** As `dump`, while the event loop goes on. Not beside another transaction. */
  async dumpInTurns<T>(
    request: RouteRequest,
    parse: (message: NetlinkMessage) => T | undefined,
  ): Promise<T[]> {
    for (let attempt = 0; attempt < MAX_DUMPS_IN_TURNS; attempt++) {
      const dump = this.#begin(request, parse)
      let turnEnds = performance.now() + TURN_MS
      while (!dump.receive()) {
        if (performance.now() < turnEnds) continue
        await nextTurn()
        turnEnds = performance.now() + TURN_MS
      }
      if (!dump.isInterrupted) return dump.found
    }
    // It changes all the time: in one go there is less of that.
    return this.dump(request, parse)
  }

  close(): void {
    this.#socket.close()
  }

  #dumpOnce<T>(request: RouteRequest, parse: (message: NetlinkMessage) => T | undefined) {
    const dump = this.#begin(request, parse)
    while (!dump.receive());
    return { found: dump.found, interrupted: dump.isInterrupted }
  }

  /** `receive` reads a datagram, and answers whether that was the last one. */
  #begin<T>(request: RouteRequest, parse: (message: NetlinkMessage) => T | undefined) {
    const { operation } = request
    const sequence = this.#number(1)
    const dump = { ...request, flags: request.flags | NLM_F.DUMP }
    this.#socket.send(formatMessages([dump], sequence, { acknowledge: false }), operation)
    const found: T[] = []
    const state = {
      found,
      isInterrupted: false,
      receive: (): boolean => {
        for (const message of messagesIn(this.#socket.receive(operation))) {
          if (message.sequence !== sequence) continue
          if (message.flags & NLM_F.DUMP_INTR) state.isInterrupted = true
          if (message.type === NLMSG.ERROR || message.type === NLMSG.DONE) {
            const verdict = verdictOf(message)
            if (verdict.errno !== 0) throw new KernelError({ ...verdict, operation })
            return true
          }
          const item = parse(message)
          if (item !== undefined) found.push(item)
        }
        return false
      },
    }
    return state
  }

  #collect({ requests, offset }: Part, { first, total, tolerate, onReply }: CollectOptions): void {
    const operation = operationOf(requests)
    const failures = new Map<number, KernelError>()
    for (let finished = false; !finished; ) {
      for (const message of messagesIn(this.#socket.receive(operation))) {
        const index = (message.sequence - first) >>> 0
        const request = requests[index]
        // An answer to an earlier transaction, whose reader gave up.
        if (request === undefined) continue
        if (message.type !== NLMSG.ERROR) {
          onReply?.(message)
          continue
        }
        const error = failureOf(message, request)
        if (error && !tolerate?.includes(error.code)) failures.set(offset + index, error)
        if (index === requests.length - 1) finished = true
      }
    }
    const [failure] = failures.values()
    if (failure === undefined) return
    throw total === 1 ? failure : new BatchError(failure, { failures, attempted: offset + requests.length })
  }

  #number(count: number): number {
    const first = this.#sequence + 1
    this.#sequence = (this.#sequence + count) >>> 0
    return first >>> 0
  }
}

type Part = { requests: readonly RouteRequest[] /** Of the first, in the whole batch. */; offset: number }
type CollectOptions = TransactionOptions & {
  first: number
  total: number
  onReply?: ReplyListener | undefined
}

/** Cuts a batch so that each send fits the socket's buffers both ways. */
function* parts(requests: readonly RouteRequest[]): Generator<Part> {
  let offset = 0
  let length = 0
  for (const [index, request] of requests.entries()) {
    length += messageLength(request)
    const count = index - offset
    if (count > 0 && (length > MAX_SEND_BYTES || count >= MAX_SEND_REQUESTS)) {
      yield { requests: requests.slice(offset, index), offset }
      offset = index
      length = messageLength(request)
    }
  }
  if (offset < requests.length) yield { requests: requests.slice(offset), offset }
}

function operationOf(requests: readonly RouteRequest[]): string {
  const [first] = requests
  if (first === undefined) return 'send nothing'
  return requests.length === 1 ? first.operation : `${first.operation} and ${requests.length - 1} more`
}

function failureOf(message: NetlinkMessage, { operation }: RouteRequest): KernelError | undefined {
  const verdict = verdictOf(message)
  return verdict.errno === 0 ? undefined : new KernelError({ ...verdict, operation })
}
