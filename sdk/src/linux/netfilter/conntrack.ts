// The flows that the kernel remembers, of one network namespace. A flow that is deleted is judged and translated anew
// with its next packet.
import { KeyedQueue } from '../../keyed-queue.ts'
import { KernelError } from '../kernel-error.ts'
import { type Place, runIn } from '../namespace.ts'
import { hasFlows } from './conntrack-glance.ts'
import { deleteFlow, type Flow, type FlowFilter, listFlows, parseFlow } from './conntrack-messages.ts'
import { NetfilterSocket } from './netfilter-socket.ts'

export class Conntrack {
  readonly #socket: NetfilterSocket
  /** One look after the other: they share the socket. */
  readonly #queue = new KeyedQueue()

  /** Whether the calling thread's namespace is the one whose flows these are. */
  readonly #isHere: boolean

  private constructor({ isHere }: { isHere: boolean }) {
    this.#isHere = isHere
    this.#socket = new NetfilterSocket()
  }

  static open(place?: Place): Conntrack {
    return runIn(place, () => new Conntrack({ isHere: place === undefined }))
  }

  /**
   * Deletes those that fit the filter and the test. The kernel looks through the whole table of the machine for that, which takes it
   * 10 ms where there are 262,144 buckets, however few are used: a thread of libuv's pool waits for it. Where there is no flow at
   * all it costs nothing. `beforehand`: what is to be done with them while they are still there. Throws a KernelError.
   */
  async cut(
    filter: FlowFilter,
    isToEnd: (flow: Flow) => boolean,
    beforehand?: (flows: readonly Flow[]) => Promise<void>,
  ): Promise<void> {
    await this.#queue.run('', async () => {
      if (this.#isHere && !hasFlows()) return
      const found = (await this.#flows(filter)).filter(isToEnd)
      await beforehand?.(found)
      for (const flow of found) this.#delete(flow)
    })
  }

  /** Waits for what is under way. May be repeated. */
  async close(): Promise<void> {
    await this.#queue.idle()
    this.#socket.close()
  }

  async #flows(filter: FlowFilter): Promise<Flow[]> {
    const { source, answerer, ...others } = filter
    // The kernel (5.8 to 6.18 at least) compares IPv6 addresses the wrong way round, and sends all the others.
    const request = listFlows(filter.family === 4 ? filter : others)
    const flows = await this.#socket.dumpInThread(request, parseFlow)
    return flows.filter(
      ({ original, reply }) => fits(original.source, source) && fits(reply.source, answerer),
    )
  }

  /** One that is gone is fine. */
  #delete(flow: Flow): void {
    try {
      this.#socket.ask(deleteFlow(flow), () => undefined)
    } catch (error) {
      if (!KernelError.is(error, 'ENOENT')) throw error
    }
  }
}

const fits = (address: Buffer, wanted: Uint8Array | undefined) =>
  wanted === undefined || address.equals(wanted)
