// The ports on which processes of the machine listen. Read anew each time: nobody says when it changes.
import { KernelError, type OpenSocket, OpenSockets } from '@conet/sdk/linux'
import type { ListeningPort } from '../ports/index.ts'
import { readProcNetPorts } from './proc-net-ports.ts'

/** What a kernel without inet_diag, or one that may not load the module, answers. */
const notOffered = ['ENOENT', 'EPROTONOSUPPORT']

export class ListeningPorts implements Disposable {
  /** Opened for the first look and kept: that takes as long as the look. */
  #sockets: OpenSockets | undefined

  /** At least those of these protocols. */
  async read(protocols: ReadonlySet<string>): Promise<ListeningPort[]> {
    try {
      this.#sockets ??= new OpenSockets()
      return this.#sockets.list(protocols).map(listeningPort)
    } catch (error) {
      // A dump that broke off would be in the way of the next one.
      this[Symbol.dispose]()
      if (!KernelError.is(error, ...notOffered)) throw error
      return await readProcNetPorts()
    }
  }

  /** May be repeated. */
  [Symbol.dispose](): void {
    this.#sockets?.[Symbol.dispose]()
    this.#sockets = undefined
  }
}

/** A socket that is bound to `::` takes what comes for IPv4 too, unless it says that it does not. */
function listeningPort({ protocol, port, address, isIpv6Only }: OpenSocket): ListeningPort {
  return { protocol, port, address: address === '::' && !isIpv6Only ? undefined : address }
}
