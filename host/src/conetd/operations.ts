// The lifecycle's operations, bound to one host, as the API calls them.
import type { Operations } from '../api/api-context.ts'
import {
  configureContainer,
  createNetwork,
  deleteNetwork,
  down,
  type HostContext,
  plug,
  removeContainer,
  unplug,
  up,
} from '../lifecycle/index.ts'

export function bindOperations(host: HostContext): Operations {
  return {
    createNetwork: (body, operation) => createNetwork(host, body, operation),
    deleteNetwork: (key, operation) => deleteNetwork(host, key, operation),
    configureContainer: (handle, body, operation) => configureContainer(host, handle, body, operation),
    removeContainer: (handle, operation) => removeContainer(host, handle, operation),
    plug: (handle, body, operation) => plug(host, handle, body, operation),
    unplug: (handle, endpointKey, operation) => unplug(host, handle, endpointKey, operation),
    up: (handle, source, operation) => up(host, handle, source, operation),
    down: (handle, operation) => down(host, handle, operation),
  }
}
