// Networks: create, list, show, delete.
import { resolveKey } from '../../domain/resolve.ts'
import { networkView, wholeNetworkView } from '../views/network.ts'
import { removal } from '../views/removal.ts'
import type { Handlers } from './handler.ts'

export const networkHandlers: Pick<
  Handlers,
  'createNetwork' | 'listNetworks' | 'getNetwork' | 'deleteNetwork' | 'forgetNetwork'
> = {
  async createNetwork(context, { body, operation }) {
    const { network, created } = await context.operations.createNetwork(body, operation)
    return { status: created ? 201 : 200, body: networkView(network, context) }
  },

  listNetworks(context) {
    const oldestFirst = [...context.inventory.networks.values()].sort((a, b) =>
      a.createdAt < b.createdAt ? -1 : 1,
    )
    return { status: 200, body: { networks: oldestFirst.map((network) => networkView(network, context)) } }
  },

  async getNetwork(context, { parameters }) {
    const network = resolveKey(parameters.network, context.inventory.networks.values(), 'network')
    const whole = await context.nodes.wholeNetwork(network)
    return { status: 200, body: wholeNetworkView(networkView(network, context), whole) }
  },

  async deleteNetwork(context, { parameters, operation }) {
    return removal(await context.operations.deleteNetwork(parameters.network, operation))
  },

  async forgetNetwork(context, { parameters, operation }) {
    await context.operations.forgetNetwork(parameters.network, operation)
    return { status: 200, body: {} }
  },
}
