// When and why a connection to a driver ended.
import { ConetError } from '@conet/sdk'
import type { JsonRpcPeer } from '@conet/sdk/jsonrpc'

/** The end of a connection, as something to wait for and as a signal. */
export type ConnectionEnd = { readonly promise: Promise<never>; readonly signal: AbortSignal }

export function untilClosed(peer: JsonRpcPeer): ConnectionEnd {
  const controller = new AbortController()
  const promise = new Promise<never>((_resolve, reject) => {
    peer.onClose((reason) => {
      const error = reason ?? new ConetError('driverUnavailable', 'the driver closed the connection')
      controller.abort(error)
      reject(error)
    })
  })
  // Whoever waits for it gets the reason; it may end before somebody does.
  promise.catch(() => undefined)
  return { promise, signal: controller.signal }
}
