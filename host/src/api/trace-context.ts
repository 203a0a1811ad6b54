// The W3C trace context of a request, handed on to drivers. What is none is left out, as the standard has it.
import type { IncomingHttpHeaders } from 'node:http'
import type { Operation } from '../lifecycle/index.ts'

/** Version, trace id, parent id, flags; later versions may have more behind them. */
const traceparentPattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/
/** What the driver protocol takes. */
const mostTraceparent = 128
const mostTracestate = 512

export function traceOf({ traceparent, tracestate }: IncomingHttpHeaders): Operation['trace'] {
  if (typeof traceparent !== 'string' || traceparent.length > mostTraceparent) return undefined
  if (!traceparentPattern.test(traceparent)) return undefined
  const isUsable = typeof tracestate === 'string' && tracestate !== '' && tracestate.length <= mostTracestate
  return isUsable ? { traceparent, tracestate } : { traceparent }
}
