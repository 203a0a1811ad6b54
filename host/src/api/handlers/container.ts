// Containers: configure, list, show, remove, plug and unplug, up and down.
import { ContainerConfigBody } from '@conet/sdk/api'
import { partParser } from '../request-validation.ts'
import { requireContainer } from '../require-container.ts'
import { containerView } from '../views/container.ts'
import { endpointView } from '../views/endpoint.ts'
import { removal } from '../views/removal.ts'
import type { Handlers } from './handler.ts'

type ContainerRoute =
  | 'putContainerConfig'
  | 'getContainerConfig'
  | 'listContainers'
  | 'getContainer'
  | 'deleteContainer'
  | 'getContainerEvents'
  | 'plug'
  | 'unplug'
  | 'up'
  | 'down'

export const containerHandlers: Pick<Handlers, ContainerRoute> = {
  async putContainerConfig(context, { parameters, body, operation }) {
    const { operations } = context
    const { container, created } = await operations.configureContainer(parameters.handle, body, operation)
    return { status: created ? 201 : 200, body: containerView(container, context) }
  },

  getContainerConfig({ inventory }, { parameters }) {
    return { status: 200, body: parseConfig(requireContainer(inventory, parameters.handle).config) }
  },

  listContainers(context) {
    const byHandle = [...context.inventory.containers.values()].sort((a, b) => (a.handle < b.handle ? -1 : 1))
    return {
      status: 200,
      body: { containers: byHandle.map((container) => containerView(container, context)) },
    }
  },

  getContainer(context, { parameters }) {
    return {
      status: 200,
      body: containerView(requireContainer(context.inventory, parameters.handle), context),
    }
  },

  getContainerEvents({ inventory, events }, { parameters: { handle } }) {
    const kept = events.ofContainer(handle) ?? (requireContainer(inventory, handle) && [])
    return { status: 200, body: { events: [...kept] } }
  },

  async deleteContainer({ operations }, { parameters, operation }) {
    return removal(await operations.removeContainer(parameters.handle, operation))
  },

  async plug({ operations, inventory }, { parameters, body, operation }) {
    const endpoint = await operations.plug(parameters.handle, body, operation)
    return { status: 201, body: endpointView(endpoint, inventory) }
  },

  async unplug({ operations }, { parameters, operation }) {
    return removal(await operations.unplug(parameters.handle, parameters.endpoint, operation))
  },

  async up(context, { parameters, body, operation }) {
    const container = await context.operations.up(parameters.handle, body, operation)
    return { status: 200, body: containerView(container, context) }
  },

  async down({ operations }, { parameters, operation }) {
    return removal(await operations.down(parameters.handle, operation))
  },
}

/** On record is what came through this schema. */
const parseConfig = partParser<ContainerConfigBody>('read the configuration', ContainerConfigBody, 'config')
