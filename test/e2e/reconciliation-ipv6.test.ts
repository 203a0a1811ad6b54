// What an interface of a container lacks of IPv6, where nothing else is wrong with it, or what is cannot be mended.
import { execFileSync } from 'node:child_process'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'

let fixture: ConetdFixture

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['bridge'] })
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
afterEach(() => fixture.removeEverything())

/** Runs a command in a container that is in two networks. */
async function start(): Promise<(command: string) => string> {
  const blue = [{ subnet: '10.97.0.0/24' }, { subnet: 'fd00:97::/64' }]
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets: blue })
  await fixture.client.createNetwork({ name: 'red', type: 'bridge', subnets: [{ subnet: '10.98.0.0/24' }] })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue', 'red'] })
  const { sandbox } = await fixture.client.up('c')
  return (command) =>
    execFileSync('nsenter', [`--net=${sandbox?.path}`, 'sh', '-ec', command], { encoding: 'utf8' })
}

it('[B26] shows a link-local address that was deleted, and puts it back', async () => {
  const inside = await start()
  inside('ip address delete fe80::42:aff:fe61:2/64 dev eth0')
  expect((await fixture.client.previewReconciliation()).differences).toMatchObject([
    { problem: 'failing', reason: 'eth0 lacks address fe80::42:aff:fe61:2/64' },
  ])
  expect((await fixture.client.reconcile()).differences).toMatchObject([{ outcome: 'repaired' }])
  expect(inside('ip -6 address show dev eth0')).toContain('fe80::42:aff:fe61:2/64')
  expect((await fixture.client.previewReconciliation()).differences).toEqual([])
})

it('[B26] puts the IPv6 default route back where the container has an IPv4 one of its own, for which it fails', async () => {
  const inside = await start()
  inside('ip route replace default via 10.98.0.1 dev eth1; ip -6 route delete default')
  expect((await fixture.client.reconcile()).differences).toMatchObject([
    {
      outcome: 'failed',
      error: {
        kind: 'conflict',
        message: expect.stringContaining('another route to 0.0.0.0/0 (via 10.98.0.1 dev eth1)'),
      },
    },
  ])
  expect(inside('ip -6 route show default')).toContain('via fd00:97::1 dev eth0')
  expect(inside('ip -4 route show default')).toMatch(/^default via 10\.98\.0\.1 dev eth1\s*$/)
  inside('ip route delete default')
  expect((await fixture.client.reconcile()).differences).toMatchObject([{ outcome: 'repaired' }])
  expect(inside('ip -4 route show default')).toContain('via 10.97.0.1 dev eth0')
})
