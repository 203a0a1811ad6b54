// One request to a subsystem of netfilter, which has a header of its own (struct nfgenmsg).
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { messageType } from './constants.ts'

/** A message not yet sent: a value that may be kept, and sent again. */
export type NetfilterRequest = RouteRequest

export type NetfilterRequestOptions = {
  readonly operation: string
  readonly subsystem: number
  readonly number: number
  readonly family: number
  readonly flags?: number
  write?(payload: PayloadWriter): void
}

export function netfilterRequest(options: NetfilterRequestOptions): NetfilterRequest {
  const { operation, subsystem, number, family, flags = 0, write } = options
  // Version 0, no resource.
  const payload = new PayloadWriter().u8(family).u8(0).u16(0)
  write?.(payload)
  return { operation, type: messageType(subsystem, number), flags, payload: payload.finish() }
}
