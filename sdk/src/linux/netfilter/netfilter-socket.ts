// Requests to netfilter and their answers over one socket: transactions, single requests, dumps.
import { KernelError } from '../kernel-error.ts'
import { HEADER_LENGTH, NLM_F, NLMSG } from '../netlink/constants.ts'
import { aligned, littleEndian, viewOf } from '../netlink/host-order.ts'
import { messagesIn, type NetlinkMessage, verdictOf } from '../netlink/message.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import { NETLINK_NETFILTER, RouteSocket } from '../netlink/route-socket.ts'
import { NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END } from './constants.ts'
import type { NetfilterRequest } from './netfilter-request.ts'

/** A transaction is one send, however long. */
const MAX_SEND_BYTES = 256 * 1024 * 1024
const MAX_DUMPS = 10
const EINTR = 4

export class NetfilterSocket {
  readonly #socket: RouteSocket
  #sequence = 0

  /** In the namespace of the calling thread, where it stays. Throws a KernelError. */
  constructor() {
    this.#socket = new RouteSocket({ protocol: NETLINK_NETFILTER })
    this.#socket.allowSending(MAX_SEND_BYTES)
  }

  /** All of them or nothing, as one transaction of a subsystem. Throws the KernelError of the first that was refused. */
  transact(subsystem: number, requests: readonly NetfilterRequest[]): void {
    if (requests.length === 0) return
    const transaction = this.#transaction(subsystem, requests)
    this.#socket.send(transaction.bytes, transaction.operation)
    this.#collect(transaction)
  }

  /** The same while the event loop goes on. One at a time, and nothing else over this socket meanwhile. */
  async transactInThread(subsystem: number, requests: readonly NetfilterRequest[]): Promise<void> {
    if (requests.length === 0) return
    const transaction = this.#transaction(subsystem, requests)
    await this.#socket.sendInThread(transaction.bytes, transaction.operation)
    this.#collect(transaction)
  }

  /** One request outside of transactions; answers what `parse` makes of the reply. Throws a KernelError. */
  ask<T>(request: NetfilterRequest, parse: (message: NetlinkMessage) => T | undefined): T | undefined {
    const sequence = this.#number(1)
    this.#socket.send(format(request, { sequence, flags: NLM_F.ACK }), request.operation)
    let found: T | undefined
    for (;;) {
      for (const message of messagesIn(this.#socket.receive(request.operation))) {
        if (message.sequence !== sequence) continue
        if (message.type !== NLMSG.ERROR) {
          found ??= parse(message)
          continue
        }
        throwIfRefused(message, request.operation)
        return found
      }
    }
  }

  /** Reads a table. Reads it again when it changed meanwhile. */
  dump<T>(request: NetfilterRequest, parse: (message: NetlinkMessage) => T | undefined): T[] {
    for (let attempt = 0; attempt < MAX_DUMPS; attempt++) {
      const dump = this.#dumpOf(request)
      this.#socket.send(dump.bytes, request.operation)
      const found = this.#receiveDump(dump, parse)
      if (found !== undefined) return found
    }
    throw changedTooOften(request)
  }

  /**
   * The same, while the event loop goes on until the kernel has found the first 32 KiB. One at a time, and nothing else
   * over this socket meanwhile.
   */
  async dumpInThread<T>(
    request: NetfilterRequest,
    parse: (message: NetlinkMessage) => T | undefined,
  ): Promise<T[]> {
    for (let attempt = 0; attempt < MAX_DUMPS; attempt++) {
      const dump = this.#dumpOf(request)
      await this.#socket.sendInThread(dump.bytes, request.operation)
      const found = this.#receiveDump(dump, parse)
      if (found !== undefined) return found
    }
    throw changedTooOften(request)
  }

  /** May be repeated. */
  close(): void {
    this.#socket.close()
  }

  #dumpOf(request: NetfilterRequest): Dump {
    const sequence = this.#number(1)
    return { sequence, operation: request.operation, bytes: format(request, { sequence, flags: NLM_F.DUMP }) }
  }

  /** Undefined when it was interrupted. */
  #receiveDump<T>(
    { sequence, operation }: Dump,
    parse: (message: NetlinkMessage) => T | undefined,
  ): T[] | undefined {
    const found: T[] = []
    let isInterrupted = false
    for (;;) {
      for (const message of messagesIn(this.#socket.receive(operation))) {
        if (message.sequence !== sequence) continue
        if (message.flags & NLM_F.DUMP_INTR) isInterrupted = true
        if (message.type === NLMSG.DONE || message.type === NLMSG.ERROR) {
          if (isInterrupted || isInterruption(message)) return undefined
          throwIfRefused(message, operation)
          return found
        }
        const item = parse(message)
        if (item !== undefined) found.push(item)
      }
    }
  }

  /**
   * Only the last request asks for an acknowledgement, which comes after the commit. A request that is refused is
   * answered in any case; what fails at the commit itself is answered as the beginning.
   */
  #transaction(subsystem: number, requests: readonly NetfilterRequest[]): Transaction {
    const first = this.#number(requests.length + 2)
    const last = requests.length - 1
    const messages = requests.map((request, index) =>
      format(request, { sequence: first + 1 + index, flags: index === last ? NLM_F.ACK : 0 }),
    )
    const begin = format(boundary(NFNL_MSG_BATCH_BEGIN, subsystem), { sequence: first })
    const end = format(boundary(NFNL_MSG_BATCH_END, subsystem), { sequence: first + 2 + last })
    const operation = requests[0]?.operation ?? 'change the firewall'
    return { bytes: Buffer.concat([begin, ...messages, end]), first, requests, operation }
  }

  #collect({ first, requests, operation }: Transaction): void {
    let failure: KernelError | undefined
    for (;;) {
      for (const message of messagesIn(this.#socket.receive(operation))) {
        const index = ((message.sequence - first) >>> 0) - 1
        if (message.type !== NLMSG.ERROR || index < -1 || index >= requests.length) continue
        const { errno, kernelMessage } = verdictOf(message)
        if (errno !== 0) {
          failure ??= new KernelError({
            errno,
            operation: requests[index]?.operation ?? operation,
            kernelMessage,
          })
        }
        if (index !== -1 && index !== requests.length - 1) continue
        if (failure !== undefined) throw failure
        return
      }
    }
  }

  #number(count: number): number {
    const first = this.#sequence + 1
    this.#sequence = (this.#sequence + count) >>> 0
    return first >>> 0
  }
}

/** One read of a table. */
type Dump = { readonly sequence: number; readonly operation: string; readonly bytes: Buffer }

type Transaction = {
  readonly bytes: Buffer
  readonly first: number
  readonly requests: readonly NetfilterRequest[]
  readonly operation: string
}

function boundary(type: number, subsystem: number): NetfilterRequest {
  // Its resource is the subsystem, in network byte order.
  const payload = new PayloadWriter().u8(0).u8(0).bytes(Uint8Array.of(0, subsystem)).finish()
  return { operation: 'change the firewall', type, flags: 0, payload }
}

function format(request: NetfilterRequest, { sequence = 0, flags = 0 }): Buffer {
  const length = HEADER_LENGTH + request.payload.length
  const bytes = Buffer.alloc(aligned(length))
  const view = viewOf(bytes)
  view.setUint32(0, length, littleEndian)
  view.setUint16(4, request.type, littleEndian)
  view.setUint16(6, request.flags | NLM_F.REQUEST | flags, littleEndian)
  view.setUint32(8, sequence >>> 0, littleEndian)
  bytes.set(request.payload, HEADER_LENGTH)
  return bytes
}

function changedTooOften({ operation }: NetfilterRequest): KernelError {
  const kernelMessage = `the table changed during each of ${MAX_DUMPS} reads`
  return new KernelError({ errno: EINTR, operation, kernelMessage })
}

function throwIfRefused(message: NetlinkMessage, operation: string): void {
  const verdict = verdictOf(message)
  if (verdict.errno !== 0) throw new KernelError({ ...verdict, operation })
}

/** A dump of nftables during which the ruleset changed ends so. */
function isInterruption(message: NetlinkMessage): boolean {
  return verdictOf(message).errno === EINTR
}
