import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { repository } from '../support/repository.ts'
import { crashDriverAtConnectIn, crashDriverIn } from './crash.ts'
import { type Crashes, crashRows } from './scenarios.ts'

const driver = 'bridge'

const around = (...methods: string[]) =>
  methods.flatMap((method) => [`driver:${method}:before`, `driver:${method}:after`])

/** A plug into a running container makes the endpoint, too. */
const plugging = around('endpoint/plug')
const inPlug = ['bridge:plug:link-made', 'bridge:plug:port-set', 'bridge:plug:interface-set']
const removing = [...around('endpoint/unplug', 'endpoint/delete')]

/** Every failpoint in some scenario; the others are for test/long. */
const crashes: Crashes = {
  'create a network': [
    ...around('network/create'),
    'bridge:network:firewall-set',
    'bridge:network:link-made',
    'bridge:network:link-set',
  ],
  'delete a network': [
    ...around('network/delete'),
    'bridge:network:ports-deleted',
    'bridge:network:link-deleted',
  ],
  'plug into a defined container': around('endpoint/create'),
  'plug into a running container': [...plugging, ...inPlug],
  'up that fails at its second attachment': ['driver:endpoint/unplug:before'],
  unplug: removing,
  'change a policy': around('endpoint/policy'),
  'read counters': around('endpoint/stats'),
}

const atConnect = around('initialize', 'driver/sync')

/**
 * conetd never asks for the lists: a sync names what a driver has. A ping, and a look at a policy, do nothing that could be half done, and the
 * bridge driver offers no probe and has no peers. It is drained in an upgrade, for which there is no second instance here.
 */
const unused = around(
  'network/list',
  'network/peers',
  'endpoint/list',
  'driver/ping',
  'driver/probe',
  'driver/drain',
  'policy/check',
)

let fixture: ConetdFixture

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: [driver] })
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

describe('the bridge driver killed at a failpoint: the call fails with a code, nothing is left, the next try works', () => {
  it.each(crashRows(crashes))('$name, at $failpoint', ({ name, failpoint }) =>
    crashDriverIn(fixture, name, { driver, failpoint }),
  )

  it.each(atConnect)('in the midst of its connection, at %s', (failpoint) =>
    crashDriverAtConnectIn(fixture, 'plug into a running container', { driver, failpoint }),
  )

  it('at every failpoint that it has', () => {
    const program = join(repository, 'drivers/bridge/bin/conet-driver-bridge.js')
    const { stdout } = spawnSync(process.execPath, [program], {
      env: { ...process.env, CONET_FAILPOINT: 'list' },
      encoding: 'utf8',
    })
    const reached = new Set([...Object.values(crashes).flat(), ...atConnect, ...unused])
    expect(
      stdout
        .trim()
        .split('\n')
        .filter((name) => !reached.has(name)),
    ).toEqual([])
  })
})
