// Drivers that introduce themselves wrongly.
import { ConetError } from '@conet/sdk'
import { allChecks } from '@conet/sdk/conformance'
import { spokenVersions } from '../behaviour.ts'
import { introducedWith, type Mutation, parts } from './mutation.ts'

function withMethods(change: (methods: string[]) => string[]): Mutation['change'] {
  return introducedWith(({ capabilities }) => ({
    capabilities: { ...capabilities, methods: change(capabilities.methods) },
  }))
}

const untilThen = /^(socket|framing|rpc|handshake|capabilities|transcript)\./
const afterTheHandshake = allChecks.map(({ id }) => id).filter((id) => !untilThen.test(id))

export const handshakeMutations: readonly Mutation[] = [
  {
    name: 'echoesTheVersion',
    does: 'chooses whatever version is offered first',
    fails: ['handshake.version-not-echoed', 'handshake.version-chosen'],
    change: parts(() => ({ chooseVersion: ([first]) => first })),
  },
  {
    name: 'firstVersionOnly',
    does: 'looks at the first version that is offered, and at no other',
    fails: ['handshake.version-chosen'],
    change: parts(() => ({
      chooseVersion: ([first = '']) => (spokenVersions.includes(first) ? first : undefined),
    })),
  },
  {
    name: 'listsNoVersions',
    does: 'refuses versions without saying which it speaks',
    fails: ['handshake.version-not-echoed'],
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
    fails: ['handshake.identity'],
    hostLogs: /its version is .{1,2}v1\.0/,
    change: introducedWith(({ driver }) => ({ driver: { ...driver, version: 'v1.0' } })),
  },
  {
    name: 'instancePerConnection',
    does: 'has another instance id on each connection',
    fails: ['handshake.instance'],
    change: introducedWith(({ driver }) => ({ driver: { ...driver, instanceId: `zoo-${Math.random()}` } })),
  },
  {
    name: 'sameInstanceForEver',
    does: 'has the same instance id after a restart',
    where: 'program',
    fails: ['handshake.new-instance'],
    change: parts(() => ({ instanceId: () => 'zoo-for-ever' })),
  },
  {
    name: 'noInstance',
    does: 'has no instance id',
    fails: [
      'socket.second-connection',
      'socket.silent-connection',
      'socket.disconnect',
      'socket.objects-outlive-connection',
      'framing.large-message',
      'framing.small-host',
      'framing.no-length',
      'framing.two-lengths',
      'framing.negative-length',
      'framing.no-number',
      'framing.endless-length',
      'framing.zero-length',
      'framing.no-field',
      'framing.over-limit',
      'framing.long-header',
      'framing.endless-header',
      'framing.many-lines',
      'framing.bad-utf8',
      'framing.bad-json',
      'framing.null-body',
      'framing.batch',
      'framing.number',
      'framing.zero-bytes',
      'framing.error-is-alone',
      'framing.end-inside-message',
      'framing.deep-nesting',
      'rpc.unknown-method',
      'rpc.unknown-reserved-method',
      'rpc.positional-params',
      'rpc.positional-notification',
      'rpc.unknown-notification',
      'rpc.unknown-members',
      'rpc.ids',
      'rpc.absent-params',
      'rpc.stray-reply',
      'rpc.many-in-flight',
      'rpc.half-close',
      'rpc.no-version',
      'rpc.other-version',
      'rpc.null-id',
      'rpc.object-id',
      'rpc.fraction-id',
      'rpc.number-method',
      'rpc.long-method',
      'rpc.result-and-error',
      'rpc.neither',
      'handshake.introduction',
      'handshake.version-chosen',
      'handshake.identity',
      'handshake.instance',
      'handshake.call-before',
      'handshake.notification-before',
      'handshake.twice',
      'handshake.invalid',
      'handshake.rejected',
      'capabilities.listed-are-answered',
      'capabilities.unlisted-are-refused',
      'transcript.results',
    ],
    spoils: [...afterTheHandshake, 'framing.slow-header', 'handshake.silence'],
    hostLogs: /instanceId/,
    change: introducedWith(({ driver: { name, version } }) => ({ driver: { name, version } })),
  },
  {
    name: 'servesStrangers',
    does: 'serves calls before initialize',
    fails: ['handshake.call-before'],
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
    fails: ['handshake.notification-before', 'transcript.answered'],
    change: parts(({ hear }) => ({
      hear: (session, method, params) => {
        if (session.isInitialized) hear(session, method, params)
        else session.socket.destroy()
      },
    })),
  },
  {
    name: 'silentWhenRejected',
    does: 'tells nobody why it was rejected',
    where: 'program',
    fails: ['handshake.rejection-logged'],
    change: parts(() => ({
      rejected: ({ driver }, code) => {
        if (code === 1311) void driver.end(0)
      },
    })),
  },
  {
    name: 'initializesTwice',
    does: 'answers a second initialize like the first',
    fails: ['handshake.twice'],
    change: parts(({ admit }) => ({
      admit: (request, session) => {
        if (request.method !== 'initialize') admit(request, session)
      },
    })),
  },
  {
    name: 'initializedTooSoon',
    does: 'counts as initialized before it has looked at the params',
    fails: ['handshake.invalid'],
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
    fails: ['capabilities.required-methods'],
    hostLogs: /lacks required methods/,
    change: withMethods((methods) => methods.filter((method) => method !== 'endpoint/list')),
  },
  {
    name: 'listsTooMany',
    does: 'lists driver/probe, and does not answer it',
    fails: ['capabilities.listed-are-answered'],
    spoils: ['health.probe'],
    hostLogs: /driver\/probe/,
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
    fails: ['capabilities.unlisted-are-refused'],
    change: withMethods((methods) => methods.filter((method) => method !== 'driver/probe')),
  },
  {
    name: 'upgradesWithoutDrain',
    does: 'offers hot upgrades, and not to drain',
    fails: ['capabilities.hot-upgrade'],
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
    name: 'plugsOnlyWhatWasCreated',
    does: 'says that a plug creates the endpoint, and refuses one that it does not know',
    fails: ['plug.alone'],
    change: introducedWith(({ capabilities }) => ({ capabilities: { ...capabilities, plugCreates: true } })),
  },
  {
    name: 'foreignSchema',
    does: 'publishes a schema that refers to elsewhere',
    fails: ['capabilities.schemas'],
    hostLogs: /zoo\.example/,
    change: introducedWith(() => ({ configSchema: { $ref: 'https://zoo.example/config.json' } })),
  },
]
