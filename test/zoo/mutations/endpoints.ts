// Drivers that make, list, compare or delete endpoints wrongly.
import { ConetError, type EndpointRef } from '@conet/sdk'
import { isJsonObject } from '../wire.ts'
import { type Mutation, method, parts } from './mutation.ts'

export const endpointMutations: readonly Mutation[] = [
  {
    name: 'listsPluggedOnly',
    does: 'lists endpoints only while they are plugged',
    fails: [
      'calls.many-at-once',
      'drain.serves',
      'drain.waits',
      'endpoint.created',
      'endpoint.repeated',
      'framing.small-host',
      'model.objects',
      'model.plugs',
      'socket.objects-outlive-connection',
      'sync.makes',
      'sync.many',
      'sync.unplugs',
      'unplug.still-created',
    ],
    change: method('endpoint/list', () => async (_params, { session }) => {
      const { records } = session.driver
      const isPlugged = ({ endpointId }: EndpointRef) =>
        records.endpoints.get(endpointId)?.sandbox !== undefined
      return { endpoints: records.refs().filter(isPlugged) }
    }),
  },
  {
    name: 'listsForeignNetworks',
    does: 'names the endpoint’s id for that of its network in its list',
    fails: ['endpoint.created'],
    change: method('endpoint/list', () => async (_params, { session }) => ({
      endpoints: session.driver.records.refs().map((ref) => ({ ...ref, networkId: ref.endpointId })),
    })),
  },
  {
    name: 'deletesEndpointsLater',
    does: 'answers the delete of an endpoint before it is gone',
    fails: [
      'calls.in-order',
      'calls.many-at-once',
      'drain.serves',
      'drain.waits',
      'endpoint.deleted',
      'model.objects',
      'model.plugs',
      'network.in-use',
      'unplug.by-delete',
      'unplug.sandbox-gone',
    ],
    change: method('endpoint/delete', (good) => async (params, call) => {
      const { endpoints } = call.session.driver.records
      const record = endpoints.get(params.endpointId)
      await good(params, call)
      if (record === undefined) return {}
      endpoints.set(params.endpointId, record)
      setTimeout(() => endpoints.delete(params.endpointId), 150)
      return {}
    }),
  },
  {
    name: 'endpointsOnce',
    does: 'refuses to create an endpoint that is there',
    fails: ['endpoint.conflict', 'endpoint.repeated', 'model.objects', 'model.plugs'],
    spoils: ['policy.no-content'],
    change: method('endpoint/create', (good) => async (params, call) => {
      if (!call.session.driver.records.endpoints.has(params.endpointId)) return good(params, call)
      throw new ConetError('conflict', `create endpoint ${params.endpointId}: it exists`)
    }),
  },
  {
    name: 'anyEndpoint',
    does: 'takes the last content of an endpoint for the right one',
    fails: ['endpoint.conflict', 'model.objects', 'model.plugs'],
    change: method('endpoint/create', (good) => (params, call) => {
      const { endpoints } = call.session.driver.records
      const record = endpoints.get(params.endpointId)
      if (record !== undefined) endpoints.set(params.endpointId, { ...record, content: undefined })
      return good(params, call)
    }),
  },
  {
    name: 'deletesKnownEndpointsOnly',
    does: 'answers notFound to the delete of an endpoint that it does not have',
    fails: ['endpoint.deleted-again', 'model.objects', 'model.plugs'],
    change: method('endpoint/delete', (good) => (params, call) => {
      if (call.session.driver.records.endpoints.has(params.endpointId)) return good(params, call)
      throw new ConetError('notFound', `delete endpoint ${params.endpointId}: there is none`)
    }),
  },
  {
    name: 'networkNotFound',
    does: 'answers notFound to a create in a network that it does not have',
    fails: ['endpoint.without-network'],
    change: method('endpoint/create', (good) => async (params, call) => {
      if (call.session.driver.records.networks.has(params.network.id)) return good(params, call)
      throw new ConetError('notFound', `create endpoint: there is no network ${params.network.id}`)
    }),
  },
  {
    name: 'anyInterfaceName',
    does: 'does not look at the name of the interface that is wanted',
    fails: ['endpoint.invalid'],
    change: parts(({ validate }) => ({
      validate: (method, params) => {
        try {
          return validate(method, params)
        } catch (error) {
          if (!isJsonObject(params) || !isJsonObject(params.interface)) throw error
          return validate(method, { ...params, interface: { ...params.interface, name: 'eth0' } })
        }
      },
    })),
  },
]
