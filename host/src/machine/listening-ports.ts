// The ports on which processes of the machine listen. Read anew each time: nobody says when it changes.
import { KernelError, listOpenSockets, type OpenSocket } from '@conet/sdk/linux'
import type { ListeningPort } from '../ports/index.ts'
import { readProcNetPorts } from './proc-net-ports.ts'

/** What a kernel without inet_diag, or one that may not load the module, answers. */
const notOffered = ['ENOENT', 'EPROTONOSUPPORT']

export async function readListeningPorts(): Promise<ListeningPort[]> {
  try {
    return listOpenSockets().map(listeningPort)
  } catch (error) {
    if (!KernelError.is(error, ...notOffered)) throw error
    return await readProcNetPorts()
  }
}

/** A socket that is bound to `::` may take what comes for IPv4 too. */
function listeningPort({ protocol, port, address }: OpenSocket): ListeningPort {
  return { protocol, port, address: address === '::' ? undefined : address }
}
