import { hostFailpoints } from '@conet/host/lifecycle/failpoints'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { crashConetdAfterLossIn, crashConetdIn, crashConetdTwiceIn } from './crash.ts'
import { type Crashes, crashRows, type ScenarioName } from './scenarios.ts'

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
const crashes: Crashes<Failpoint> = {
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
  'up that fails at its second attachment': ['host:endpoint:unplugged-again', 'host:up:sandbox-dropped'],
  down: ['host:down:after-intent', 'host:down:sandbox-released', 'host:down:after-outcome'],
  'remove a container': ['host:container:forgotten'],
}

const twice: readonly (readonly [ScenarioName, Failpoint, Failpoint])[] = [
  ['up in a namespace that conet makes', 'host:endpoint:after-plug', 'host:recover:sandbox-released'],
  ['plug into a running container', 'host:endpoint:after-plug', 'host:endpoint:buried'],
  ['plug into a running container', 'host:endpoint:after-outcome', 'host:sync:begun'],
  ['plug into a running container', 'host:endpoint:after-outcome', 'host:sync:answered'],
  ['create a network', 'host:network:after-create', 'host:recover:network-buried'],
]

const afterLoss: readonly (readonly [ScenarioName, Failpoint])[] = [
  ['plug into a running container', 'host:sync:unknown-removed'],
]

/** Where a driver leaves an interface to the host (host-interfaces.test.ts), and where policies change (policies.test.ts). */
const elsewhere: readonly Failpoint[] = [
  ...hostFailpoints.filter((name) => name.startsWith('host:policy:')),
  'host:endpoint:interface-moved',
  'host:endpoint:interface-configured',
  'host:endpoint:interface-returned',
]

let fixture: ConetdFixture

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['bridge'] })
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

describe('conetd killed at a failpoint is whole again after a start', () => {
  it.each(crashRows(crashes))('$name, at $failpoint', ({ name, failpoint }) =>
    crashConetdIn(fixture, name, failpoint),
  )

  it.each(twice)('%s, at %s, and again at %s', (name, first, second) =>
    crashConetdTwiceIn(fixture, name, [first, second]),
  )

  it.each(afterLoss)('%s, its volatile store lost, at %s', (name, failpoint) =>
    crashConetdAfterLossIn(fixture, name, failpoint),
  )

  it('at every failpoint that it has', () => {
    const reached = new Set<string>([
      ...Object.values(crashes).flat(),
      ...twice.flatMap(([, first, second]) => [first, second]),
      ...afterLoss.map(([, failpoint]) => failpoint),
      ...elsewhere,
    ])
    expect([...hostFailpoints].filter((name) => !reached.has(name))).toEqual([])
  })
})
