import { containerHandlers } from './container.ts'
import type { Handlers } from './handler.ts'
import { hostHandlers } from './host.ts'
import { legacyHandlers } from './legacy.ts'
import { networkHandlers } from './network.ts'
import { nodeHandlers } from './node.ts'
import { policyHandlers } from './policy.ts'

/** One for each route of the table; the compiler says when one is missing. */
export const handlers: Handlers = {
  ...networkHandlers,
  ...containerHandlers,
  ...nodeHandlers,
  ...policyHandlers,
  ...legacyHandlers,
  ...hostHandlers,
}
