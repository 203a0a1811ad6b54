// Where conetd dies: each failpoint in some scenario, once, or again as it starts behind the first.
import { hostFailpoints } from '@conet/host/lifecycle/failpoints'
import type { Crashes, ScenarioName } from './scenarios.ts'

type Failpoint = (typeof hostFailpoints)[number]

const plugging = [
  'host:endpoint:before-intent',
  'host:endpoint:after-intent',
  'host:endpoint:after-plug',
  'host:endpoint:settled',
  'host:endpoint:after-outcome',
] as const

const removing = ['host:endpoint:buried', 'host:endpoint:after-delete', 'host:endpoint:forgotten'] as const

/** Each scenario, and failpoints that its step goes through: every one in some scenario, the others in test/long. */
export const crashes: Crashes<Failpoint> = {
  'create a network': [
    'host:network:before-intent',
    'host:network:after-intent',
    'host:network:after-create',
  ],
  'delete a network': ['host:network:buried', 'host:network:after-delete', 'host:network:forgotten'],
  'configure a container anew': ['host:container:before-configured', 'host:container:configured'],
  'plug into a defined container': ['host:endpoint:after-create', 'host:flush:before', 'host:flush:written'],
  'plug into a running container': plugging,
  unplug: removing,
  'up in a namespace that conet makes': [
    'host:up:sandbox-held',
    'host:endpoint:after-plug',
    'host:up:after-outcome',
  ],
  'up in the namespace at a path': ['host:up:after-intent'],
  'up that fails at its second attachment': [
    'host:endpoint:deleted-to-be-placed',
    'host:endpoint:unplugged-again',
    'host:up:sandbox-dropped',
  ],
  down: ['host:down:after-intent', 'host:down:sandbox-released', 'host:down:after-outcome'],
  'remove a container': ['host:container:forgotten'],
}

export const twice: readonly (readonly [ScenarioName, Failpoint, Failpoint])[] = [
  ['up in a namespace that conet makes', 'host:endpoint:after-plug', 'host:recover:sandbox-released'],
  ['plug into a running container', 'host:endpoint:after-plug', 'host:endpoint:buried'],
  ['plug into a running container', 'host:endpoint:after-outcome', 'host:sync:begun'],
  ['plug into a running container', 'host:endpoint:after-outcome', 'host:sync:answered'],
  ['create a network', 'host:network:after-create', 'host:recover:network-buried'],
]

export const afterLoss: readonly (readonly [ScenarioName, Failpoint])[] = [
  ['plug into a running container', 'host:sync:unknown-removed'],
]

/** Where a driver leaves an interface to the host (host-interfaces.test.ts), and where policies change (policies.test.ts). */
export const elsewhere: readonly Failpoint[] = [
  ...hostFailpoints.filter((name) => name.startsWith('host:policy:')),
  'host:endpoint:interface-moved',
  'host:endpoint:interface-configured',
  'host:endpoint:interface-returned',
]
