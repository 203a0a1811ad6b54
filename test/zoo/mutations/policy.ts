// Drivers that mistake policies for something else, or count for the wrong ones.
import { ConetError } from '@conet/sdk'
import { type Mutation, method, parts } from './mutation.ts'

export const policyMutations: readonly Mutation[] = [
  {
    name: 'policyOnce',
    does: 'refuses a policy while there is one',
    fails: ['policy.repeated'],
    change: (good) => {
      const told = new Set<string>()
      const once = method('endpoint/policy', (set) => async (params, call) => {
        const answer = await set(params, call)
        if (told.has(params.endpointId)) throw new ConetError('conflict', 'there is a policy already')
        if (params.interface.macAddress !== '02:42:00:00:00:99') told.add(params.endpointId)
        return answer
      })
      return once(good)
    },
  },
  {
    name: 'policyAfterPlug',
    does: 'refuses a policy before the plug',
    fails: ['policy.repeated'],
    spoils: ['policy.other-content'],
    change: method('endpoint/policy', (set) => async (params, call) => {
      const known = call.session.driver.records.endpoints.get(params.endpointId)
      if (known === undefined || known.sandbox !== undefined) return set(params, call)
      throw new ConetError('failedPrecondition', 'the endpoint is not plugged')
    }),
  },
  {
    name: 'policyContent',
    does: 'takes the policy for content of the endpoint',
    fails: ['policy.no-content'],
    change: (good) => {
      const policies = new Map<string, boolean>()
      const strict = method('endpoint/create', (create) => async (params, call) => {
        const has = params.policy !== undefined
        const before = policies.get(params.endpointId)
        if (before !== undefined && before !== has) throw new ConetError('conflict', 'it has another policy')
        const answer = await create(params, call)
        policies.set(params.endpointId, has)
        return answer
      })
      return strict(good)
    },
  },
  {
    name: 'policyMakes',
    does: 'makes the endpoint that a policy is for',
    fails: ['policy.no-endpoint'],
    change: method('endpoint/policy', (set, { methods }) => async (params, call) => {
      if (call.session.driver.records.networks.has(params.network.id))
        await methods['endpoint/create'](params, call)
      return set(params, call)
    }),
  },
  {
    name: 'policyBlind',
    does: 'takes a policy with any content',
    fails: ['policy.other-content'],
    change: method('endpoint/policy', () => async () => ({})),
  },
  {
    name: 'portsAlone',
    does: 'asks for ports and takes no policies',
    fails: ['policy.ports'],
    spoils: ['capabilities.unlisted-are-refused'],
    change: parts(({ introduce }) => ({
      introduce: (driver, version) => {
        const { capabilities, ...rest } = introduce(driver, version)
        const methods = capabilities.methods.filter((name) => name !== 'endpoint/policy')
        return { ...rest, capabilities: { ...capabilities, methods, ports: { policyMember: 'net_in' } } }
      },
    })),
  },
  {
    name: 'policyOfNobody',
    does: 'refuses to look at a policy that is no endpoint’s',
    fails: ['policy.looked-at'],
    change: method('policy/check', () => async () => {
      throw new ConetError('notFound', 'there is no such endpoint')
    }),
  },
  {
    name: 'statsOfAll',
    does: 'answers with the counters of all endpoints that are plugged',
    fails: ['policy.counted'],
    change: method(
      'endpoint/stats',
      (stats) => (_params, call) => stats({ endpoints: call.session.driver.records.refs() }, call),
    ),
  },
  {
    name: 'statsFall',
    does: 'counts from the last question on',
    fails: ['policy.counters-rise'],
    change: (good) => {
      let rest = 1_000_000
      const falling = method('endpoint/stats', (stats) => async (params, call) => {
        const answer = await stats(params, call)
        if (!('stats' in answer) || !Array.isArray(answer.stats)) return answer
        return { stats: answer.stats.map((one: object) => ({ ...one, rxBytes: rest-- })) }
      })
      return falling(good)
    },
  },
]
