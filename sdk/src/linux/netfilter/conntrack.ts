// The flows that the kernel remembers, of one network namespace. A flow that is deleted is judged and translated anew
// with its next packet.
import { KernelError } from '../kernel-error.ts'
import { type Place, runIn } from '../namespace.ts'
import { deleteFlow, type Flow, type FlowFilter, listFlows, parseFlow } from './conntrack-messages.ts'
import { NetfilterSocket } from './netfilter-socket.ts'

export class Conntrack implements Disposable {
  readonly #socket: NetfilterSocket

  private constructor() {
    this.#socket = new NetfilterSocket()
  }

  static open(place?: Place): Conntrack {
    return runIn(place, () => new Conntrack())
  }

  /** Looks through the whole table of the namespace, which takes the kernel about a millisecond, and more when it is full. */
  flows(filter: FlowFilter): Flow[] {
    const { source, ...others } = filter
    if (filter.family === 4 || source === undefined) return this.#socket.dump(listFlows(filter), parseFlow)
    // The kernel (5.8 to 6.18 at least) compares IPv6 addresses the wrong way round, and sends all the others.
    const flows = this.#socket.dump(listFlows(others), parseFlow)
    return flows.filter(({ original }) => original.source.equals(source))
  }

  /** One that is gone is fine. */
  delete(flow: Flow): void {
    try {
      this.#socket.ask(deleteFlow(flow), () => undefined)
    } catch (error) {
      if (!KernelError.is(error, 'ENOENT')) throw error
    }
  }

  /** May be repeated. */
  close(): void {
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
