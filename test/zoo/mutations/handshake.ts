// Drivers that introduce themselves wrongly.
import { ConetError, type InitializeResult } from '@conet/sdk'
import { spokenVersions } from '../behaviour.ts'
import { type Mutation, parts } from './mutation.ts'

/** The good driver that says something else of itself. */
function introducedWith(change: (introduction: InitializeResult) => object): Mutation['change'] {
  return parts(({ introduce }) => ({
    introduce: (driver, version) => {
      const introduction = introduce(driver, version)
      return { ...introduction, ...change(introduction) }
    },
  }))
}

function withMethods(change: (methods: string[]) => string[]): Mutation['change'] {
  return introducedWith(({ capabilities }) => ({
    capabilities: { ...capabilities, methods: change(capabilities.methods) },
  }))
}

export const handshakeMutations: readonly Mutation[] = [
  {
    name: 'echoesTheVersion',
    does: 'chooses whatever version is offered first',
    fails: [],
    change: parts(() => ({ chooseVersion: ([first]) => first })),
  },
  {
    name: 'firstVersionOnly',
    does: 'looks at the first version that is offered, and at no other',
    fails: [],
    change: parts(() => ({
      chooseVersion: ([first = '']) => (spokenVersions.includes(first) ? first : undefined),
    })),
  },
  {
    name: 'listsNoVersions',
    does: 'refuses versions without saying which it speaks',
    fails: [],
    change: parts(() => ({
      chooseVersion: (offered) => {
        const chosen = spokenVersions.find((version) => offered.includes(version))
        if (chosen === undefined)
          throw new ConetError('unsupportedProtocolVersion', 'initialize: no version is shared')
        return chosen
      },
    })),
  },
  {
    name: 'versionWithV',
    does: 'has a product version that is not semver',
    fails: [],
    change: introducedWith(({ driver }) => ({ driver: { ...driver, version: 'v1.0' } })),
  },
  {
    name: 'instancePerConnection',
    does: 'has another instance id on each connection',
    fails: [],
    change: introducedWith(({ driver }) => ({ driver: { ...driver, instanceId: `zoo-${Math.random()}` } })),
  },
  {
    name: 'sameInstanceForEver',
    does: 'has the same instance id after a restart',
    fails: [],
    change: parts(() => ({ instanceId: () => 'zoo-for-ever' })),
  },
  {
    name: 'noInstance',
    does: 'has no instance id',
    fails: [],
    change: introducedWith(({ driver: { name, version } }) => ({ driver: { name, version } })),
  },
  {
    name: 'servesStrangers',
    does: 'serves calls before initialize',
    fails: [],
    change: parts(({ admit }) => ({
      admit: (request, session) => {
        const isCall = !session.isInitialized && request.method !== 'initialize'
        if (!isCall) admit(request, session)
      },
    })),
  },
  {
    name: 'closesOnEarlyNotices',
    does: 'ends a connection on which a notification comes before initialize',
    fails: [],
    change: parts(({ hear }) => ({
      hear: (session, method, params) => {
        if (session.isInitialized) hear(session, method, params)
        else session.socket.destroy()
      },
    })),
  },
  {
    name: 'initializesTwice',
    does: 'answers a second initialize like the first',
    fails: [],
    change: parts(({ admit }) => ({
      admit: (request, session) => {
        if (request.method !== 'initialize') admit(request, session)
      },
    })),
  },
  {
    name: 'initializedTooSoon',
    does: 'counts as initialized before it has looked at the params',
    fails: [],
    change: parts(({ admit }) => ({
      admit: (request, session) => {
        admit(request, session)
        if (request.method === 'initialize') session.isInitialized = true
      },
    })),
  },
  {
    name: 'listsTooFew',
    does: 'does not list endpoint/list',
    fails: [],
    change: withMethods((methods) => methods.filter((method) => method !== 'endpoint/list')),
  },
  {
    name: 'listsTooMany',
    does: 'lists driver/probe, and does not answer it',
    fails: [],
    change: parts(({ admit, unknown }) => ({
      admit: (request, session) => {
        admit(request, session)
        if (request.method === 'driver/probe') unknown(request)
      },
    })),
  },
  {
    name: 'hidesProbe',
    does: 'answers driver/probe, and does not list it',
    fails: [],
    change: withMethods((methods) => methods.filter((method) => method !== 'driver/probe')),
  },
  {
    name: 'upgradesWithoutDrain',
    does: 'offers hot upgrades, and not to drain',
    fails: [],
    change: (good) => ({
      ...introducedWith(({ capabilities }) => ({
        capabilities: {
          ...capabilities,
          hotUpgrade: true,
          methods: capabilities.methods.filter((method) => method !== 'driver/drain'),
        },
      }))(good),
      admit: (request, session) => {
        good.admit(request, session)
        if (request.method === 'driver/drain') good.unknown(request)
      },
    }),
  },
  {
    name: 'foreignSchema',
    does: 'publishes a schema that refers to elsewhere',
    fails: [],
    change: introducedWith(() => ({ configSchema: { $ref: 'https://zoo.example/config.json' } })),
  },
]
