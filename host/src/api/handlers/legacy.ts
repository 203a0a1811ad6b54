// Garden's calls on the primary network of a container.
import type { Handlers } from './handler.ts'

export const legacyHandlers: Pick<Handlers, 'netIn' | 'netOut' | 'netOutBulk'> = {
  async netIn({ operations }, { parameters, body, operation }) {
    return { status: 200, body: await operations.netIn(parameters.handle, body, operation) }
  },

  async netOut({ operations }, { parameters, body, operation }) {
    await operations.netOut(parameters.handle, body, operation)
    return { status: 200, body: {} }
  },

  async netOutBulk({ operations }, { parameters, body, operation }) {
    await operations.netOutBulk(parameters.handle, body, operation)
    return { status: 200, body: {} }
  },
}
