// conetd and a driver killed at failpoints in scenarios whose recovery goes where that of one in test/chaos goes, too.
import { describe, it } from 'vitest'
import { crashConetdIn, crashConetdTwiceIn, crashDriverIn } from '../chaos/crash.ts'
import { type Crashes, crashRows } from '../chaos/scenarios.ts'
import { ConetdFixture } from '../support/conetd-fixture.ts'

const ofConetd: Crashes = {
  'create a network with a made-up name': ['host:network:after-create'],
  'configure a container anew': ['host:endpoint:forgotten'],
  'plug into a defined container': ['host:endpoint:before-intent', 'host:endpoint:after-intent'],
  'up in a namespace that conet makes': ['host:endpoint:after-intent'],
  'up in the namespace at a path': ['host:up:sandbox-held', 'host:endpoint:settled'],
  'up in the namespace of a process': ['host:up:sandbox-held'],
  'up of an endpoint that a plug has made': ['host:endpoint:after-intent', 'host:endpoint:after-plug'],
  down: ['host:endpoint:after-delete'],
  'remove a container': ['host:endpoint:after-delete'],
}

const ofDriver: Crashes = {
  'up in a namespace that conet makes': ['driver:endpoint/plug:before', 'bridge:plug:port-set'],
  'up in the namespace at a path': ['bridge:plug:interface-set', 'driver:endpoint/plug:after'],
  'up of an endpoint that a plug has made': ['driver:endpoint/plug:before', 'driver:endpoint/plug:after'],
  'up that fails at its second attachment': ['driver:endpoint/unplug:after'],
  down: ['driver:endpoint/delete:before', 'driver:endpoint/delete:after'],
  'remove a container': ['driver:endpoint/delete:before'],
}

describe('killed at a failpoint, record and kernel agree afterwards', () => {
  it.each(crashRows(ofConetd))('conetd: $name, at $failpoint', async ({ name, failpoint }) => {
    await using fixture = await ConetdFixture.start({ drivers: ['bridge'] })
    await crashConetdIn(fixture, name, failpoint)
  })

  it('conetd: delete a network, at host:network:buried, and again at host:network:after-delete', async () => {
    await using fixture = await ConetdFixture.start({ drivers: ['bridge'] })
    await crashConetdTwiceIn(fixture, 'delete a network', [
      'host:network:buried',
      'host:network:after-delete',
    ])
  })

  it.each(crashRows(ofDriver))('the bridge driver: $name, at $failpoint', async ({ name, failpoint }) => {
    await using fixture = await ConetdFixture.start({ drivers: ['bridge'] })
    await crashDriverIn(fixture, name, { driver: 'bridge', failpoint })
  })
})
