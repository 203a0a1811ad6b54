// Policies of containers and networks, and what containers' interfaces have counted.
import type { ContainerMetricsView } from '@conet/sdk/api'
import { resolveKey } from '../../domain/resolve.ts'
import { requireContainer } from '../require-container.ts'
import { networkView } from '../views/network.ts'
import { containerMetricsView, containerPolicyView } from '../views/policy.ts'
import type { Handlers } from './handler.ts'

type PolicyRoute =
  | 'putContainerPolicy'
  | 'getContainerPolicy'
  | 'putDefaultPolicy'
  | 'getDefaultPolicy'
  | 'getContainerMetrics'
  | 'listContainerMetrics'

export const policyHandlers: Pick<Handlers, PolicyRoute> = {
  async putContainerPolicy({ operations, inventory }, { parameters, body, operation }) {
    const container = await operations.setPolicies(parameters.handle, body.networks, operation)
    return { status: 200, body: containerPolicyView(container, inventory) }
  },

  getContainerPolicy({ inventory }, { parameters }) {
    return {
      status: 200,
      body: containerPolicyView(requireContainer(inventory, parameters.handle), inventory),
    }
  },

  async putDefaultPolicy(context, { parameters, body, operation }) {
    const network = await context.operations.setDefaultPolicy(parameters.network, body, operation)
    return { status: 200, body: networkView(network, context) }
  },

  getDefaultPolicy({ inventory }, { parameters }) {
    const network = resolveKey(parameters.network, inventory.networks.values(), 'network')
    return { status: 200, body: network.defaultPolicy ?? null }
  },

  async getContainerMetrics({ operations, inventory }, { parameters, operation }) {
    const container = requireContainer(inventory, parameters.handle)
    const counters = await operations.readCounters(
      inventory.endpointsOfContainer(container.handle),
      operation,
    )
    return { status: 200, body: containerMetricsView(container, counters, inventory) }
  },

  async listContainerMetrics({ operations, inventory }, { operation }) {
    const counters = await operations.readCounters([...inventory.endpoints.values()], operation)
    const containers: [string, ContainerMetricsView][] = [...inventory.containers.values()].map(
      (container) => [container.handle, containerMetricsView(container, counters, inventory)],
    )
    return { status: 200, body: { containers: Object.fromEntries(containers) } }
  },
}
