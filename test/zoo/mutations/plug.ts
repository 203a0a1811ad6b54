// Drivers that plug and unplug wrongly.
import { existsSync } from 'node:fs'
import { ConetError } from '@conet/sdk'
import { createEndpoint, plug } from '../life.ts'
import { isJsonObject } from '../wire.ts'
import { type Mutation, method, parts } from './mutation.ts'

const ofInterfaces = { interfaces: true } as const

export const plugMutations: readonly Mutation[] = [
  {
    name: 'ownMtu',
    does: 'answers with an MTU of its own',
    of: ofInterfaces,
    fails: ['plug.answer'],
    change: parts(({ interfaceOf }) => ({
      interfaceOf: (endpoint) => ({ ...interfaceOf(endpoint), mtu: 1500 }),
    })),
  },
  {
    name: 'otherAnswerEachTime',
    does: 'answers a repeated plug with another resolver',
    fails: ['model.plugs', 'plug.other-content', 'plug.repeated', 'sync.plugged'],
    spoils: ['policy.no-content'],
    change: (good) => {
      let plugs = 0
      const counting = method('endpoint/plug', (plug) => async (params, call) => {
        plugs += 1
        return {
          ...(await plug(params, call)),
          dns: { servers: [`192.0.2.${plugs % 250}`], search: [], options: [] },
        }
      })
      return counting(good)
    },
  },
  {
    name: 'plugsAnything',
    does: 'plugs an endpoint whose content is not that of its create',
    fails: ['model.plugs', 'plug.other-content'],
    change: method('endpoint/plug', (good) => (params, call) => {
      const { endpoints } = call.session.driver.records
      const record = endpoints.get(params.endpointId)
      if (record !== undefined) endpoints.set(params.endpointId, { ...record, content: undefined })
      return good(params, call).finally(() => {
        const plugged = endpoints.get(params.endpointId)
        if (plugged !== undefined && record !== undefined) {
          endpoints.set(params.endpointId, { ...plugged, content: record.content })
        }
      })
    }),
  },
  {
    name: 'movesPlugs',
    does: 'moves a plugged endpoint into another sandbox',
    fails: ['model.plugs', 'plug.other-sandbox'],
    change: method('endpoint/plug', (good) => (params, call) => {
      const { records } = call.session.driver
      if (records.endpoints.get(params.endpointId)?.sandbox !== params.sandbox.path) {
        records.unplug(params.endpointId)
      }
      return good(params, call)
    }),
  },
  {
    name: 'plugsAfterTheAnswer',
    does: 'refuses a plug that comes before the create is answered',
    fails: ['plug.pipelined'],
    change: parts(({ admit }) => ({
      admit: (request, session) => {
        admit(request, session)
        if (request.method !== 'endpoint/plug') return
        const endpointId = endpointOf(request.params)
        const isBeingMade = [...session.calls.values()].some(
          (call) =>
            call.request.method === 'endpoint/create' && endpointOf(call.request.params) === endpointId,
        )
        if (isBeingMade) throw new ConetError('failedPrecondition', 'endpoint/plug: it is being created')
      },
    })),
  },
  {
    name: 'createsWhatItPlugs',
    does: 'creates the endpoint of a plug, also where its create has just failed',
    fails: ['plug.after-failed-create'],
    change: method('endpoint/plug', (_good, { work }) => async (params, call) => {
      const { driver } = call.session
      await work(call)
      if (!driver.records.endpoints.has(params.endpointId)) createEndpoint(driver, params)
      return plug(driver, params)
    }),
  },
  {
    name: 'plugsIntoNothing',
    does: 'does not notice that the sandbox is gone',
    of: ofInterfaces,
    fails: ['plug.sandbox-gone', 'sync.failed'],
    change: parts(({ assertSandbox }) => ({
      assertSandbox: (path) => {
        if (existsSync(path)) assertSandbox(path)
      },
    })),
  },
  {
    name: 'plugsIntoItself',
    does: 'takes its own namespace for a sandbox',
    of: ofInterfaces,
    where: 'program',
    fails: ['plug.own-namespace'],
    change: parts(({ assertSandbox }) => ({
      assertSandbox: (path) => {
        if (!path.startsWith('/proc/')) assertSandbox(path)
      },
    })),
  },
  {
    name: 'unplugsKnownOnly',
    does: 'answers notFound to the unplug of an endpoint that it does not have',
    fails: ['model.objects', 'model.plugs', 'unplug.nothing'],
    change: method('endpoint/unplug', (good) => (params, call) => {
      if (call.session.driver.records.endpoints.has(params.endpointId)) return good(params, call)
      throw new ConetError('notFound', `unplug endpoint ${params.endpointId}: there is none`)
    }),
  },
  {
    name: 'unplugDeletes',
    does: 'deletes an endpoint when it is unplugged',
    fails: ['model.plugs', 'plug.other-sandbox', 'unplug.still-created', 'unplug.without-sandbox'],
    change: method('endpoint/unplug', (good) => async (params, call) => {
      await good(params, call)
      call.session.driver.records.endpoints.delete(params.endpointId)
      return {}
    }),
  },
  {
    name: 'unplugsBySandbox',
    does: 'unplugs nothing when the host does not name the sandbox',
    fails: ['unplug.without-sandbox'],
    change: method('endpoint/unplug', (good) => async (params, call) => {
      return params.sandbox === undefined ? {} : good(params, call)
    }),
  },
  {
    name: 'looksForTheSandbox',
    does: 'refuses to unplug from a sandbox that is gone',
    fails: ['unplug.nothing', 'unplug.sandbox-gone'],
    change: method('endpoint/unplug', (good) => (params, call) => {
      if (params.sandbox === undefined || existsSync(params.sandbox.path)) return good(params, call)
      throw new ConetError('invalidSandbox', `unplug: there is no ${params.sandbox.path}`)
    }),
  },
  {
    name: 'unplugFirst',
    does: 'refuses to delete an endpoint that is plugged',
    fails: ['model.plugs', 'unplug.by-delete'],
    change: method('endpoint/delete', (good) => (params, call) => {
      const record = call.session.driver.records.endpoints.get(params.endpointId)
      if (record?.sandbox === undefined) return good(params, call)
      throw new ConetError('inUse', `delete endpoint ${params.endpointId}: it is plugged`)
    }),
  },
]

function endpointOf(params: unknown): unknown {
  return isJsonObject(params) ? params.endpointId : undefined
}
