// A sandbox, and a link outside that a driver has left to the host.
import { execFileSync } from 'node:child_process'
import type { bringIn } from '@conet/host/sandbox/index'
import { afterEach, beforeEach, expect } from 'vitest'
import { type Shown, show } from '../../support/iproute.ts'
import { NamespaceFixture } from '../../support/namespace-fixture.ts'

/** As its driver answers it. */
export const wanted = {
  configuredBy: 'host',
  name: 'eth0',
  sourceName: 'src0',
  macAddress: '02:42:0a:5c:00:77',
  addresses: ['10.92.0.77/24', 'fd92::77/64'],
  mtu: 1400,
  routes: [
    { destination: '10.92.0.0/24', scope: 'link' },
    { destination: '0.0.0.0/0', gateway: '10.92.0.1', metric: 50, source: '10.92.0.77' },
    { destination: '192.0.2.0/24', gateway: '10.92.0.9', table: 1000 },
    { destination: '192.0.2.9/32', scope: 'host', table: 1001 },
    { destination: '2001:db8::/32', gateway: 'fd92::1', metric: 7 },
  ],
  neighbours: [{ address: '10.92.0.1', macAddress: '02:42:0a:5c:00:01' }],
  sysctls: { 'net/ipv4/conf/eth0/rp_filter': '2', 'net/ipv4/ip_default_ttl': '61' },
} as const satisfies Parameters<typeof bringIn>[1]

export let sandboxes: NamespaceFixture
/** Of the sandbox. */
export let path: string
export const links = () => show('ip link show').map(({ ifname }) => ifname)
export const inside = (command: string) => sandboxes.exec('box', command)
export const shown = (command: string): Shown[] => JSON.parse(inside(`ip -j ${command}`))
export const ip = (...argv: string[]) => execFileSync('ip', argv, { stdio: 'pipe' })
export const moved = () => undefined

/** To be called once, at the top of the file. */
export function useHostInterfaces(): void {
  beforeEach(() => {
    sandboxes = new NamespaceFixture()
    sandboxes.make('box')
    path = sandboxes.path('box')
    ip('link', 'add', 'parent', 'type', 'veth', 'peer', 'name', 'wire')
    ip('link', 'add', 'link', 'parent', 'name', 'src0', 'type', 'macvlan', 'mode', 'bridge')
    // As on a real machine: the name that the interface has in the sandbox is taken outside.
    ip('link', 'add', 'eth0', 'type', 'ifb')
  })

  afterEach(() => {
    ip('link', 'delete', 'eth0')
    ip('link', 'delete', 'parent')
    expect(links()).toEqual(['lo'])
    sandboxes[Symbol.dispose]()
  })
}
