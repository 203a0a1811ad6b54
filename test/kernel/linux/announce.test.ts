import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Announcement, announce, KernelError, type Namespace } from '@conet/sdk/linux'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { NamespaceFixture } from '../../support/namespace-fixture.ts'
import { assertNoStrayThreads } from '../../support/threads.ts'

const macAddress = '02:42:0a:00:00:02'

let fixture: NamespaceFixture
let sandbox: Namespace

/** Two namespaces joined by a veth pair: `sandbox` with eth0, `peer` with port0. */
beforeEach(() => {
  fixture = new NamespaceFixture()
  sandbox = fixture.make('sandbox')
  fixture.make('peer')
  fixture.exec(
    'sandbox',
    `ip link add eth0 address ${macAddress} type veth peer name port0 netns ${fixture.path('peer')}`,
  )
  fixture.exec('sandbox', 'ip link set eth0 up')
  fixture.exec(
    'peer',
    'ip link set port0 up; ip addr add 10.0.0.1/24 dev port0; ip addr add fd00::1/64 dev port0 nodad',
  )
})

afterEach(() => fixture[Symbol.dispose]())

/** What tcpdump sees in the peer's namespace of `count` frames that match, while `work` runs. */
async function capture(
  { filter, count }: { filter: string; count: number },
  work: () => void,
): Promise<string> {
  const argv = [`--net=${fixture.path('peer')}`, 'tcpdump', '-i', 'port0', '-nevv', '-c', `${count}`, filter]
  const tcpdump = spawn('nsenter', argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  tcpdump.stdout.on('data', (data) => (output += data))
  const closed = once(tcpdump, 'close')
  await new Promise<void>((resolve, reject) => {
    let said = ''
    tcpdump.stderr.on('data', (data) => {
      said += data
      if (said.includes('listening on')) resolve()
    })
    tcpdump.on('close', () => reject(new Error(`tcpdump ended: ${said}`)))
  })
  work()
  await closed
  return output
}

/** The packet sockets that belong to the sandbox, whoever holds them; the first line of the file is a heading. */
const packetSockets = () => Number(fixture.exec('sandbox', 'wc -l < /proc/net/packet')) - 1

const neighbours = () => fixture.exec('peer', 'ip neigh show dev port0')

it('each IPv4 address goes out as one ARP announcement to everybody', async () => {
  const seen = await capture({ filter: 'arp', count: 2 }, () =>
    announce(sandbox, { interfaceName: 'eth0', macAddress, addresses: ['10.0.0.2', '10.0.0.3'] }),
  )
  for (const address of ['10.0.0.2', '10.0.0.3']) {
    expect(seen).toContain(`Request who-has ${address} tell ${address},`)
  }
  expect(seen).toMatch(new RegExp(`${macAddress} > ff:ff:ff:ff:ff:ff, ethertype ARP`))
})

it('each IPv6 address goes out as an unsolicited, overriding advertisement with a good checksum', async () => {
  const seen = await capture({ filter: 'icmp6[0] == 136 and src fd00::2', count: 1 }, () =>
    announce(sandbox, { interfaceName: 'eth0', macAddress, addresses: ['fd00::2'] }),
  )
  expect(seen).toMatch(/33:33:00:00:00:01.*hlim 255.*fd00::2 > ff02::1: \[icmp6 sum ok\]/s)
  expect(seen).toMatch(/tgt is fd00::2, Flags \[override\]/)
  expect(seen).toMatch(new RegExp(`destination link-address option.*${macAddress}`))
})

it('a neighbour that knew another MAC for the address uses the new one', async () => {
  const old = '02:42:00:00:00:99'
  fixture.exec('peer', 'echo 0 > /proc/sys/net/ipv4/neigh/port0/locktime')
  for (const address of ['10.0.0.2', 'fd00::2']) {
    fixture.exec('peer', `ip neigh replace ${address} lladdr ${old} dev port0 nud stale`)
  }
  announce(sandbox, { interfaceName: 'eth0', macAddress, addresses: ['10.0.0.2', 'fd00::2'] })
  await eventually(() => {
    expect(neighbours()).toContain(`10.0.0.2 lladdr ${macAddress}`)
    expect(neighbours()).toContain(`fd00::2 lladdr ${macAddress}`)
    expect(neighbours()).not.toContain(old)
  })
})

it('an interface that is missing or down is a typed error that names it', () => {
  const refused = (interfaceName: string) => {
    try {
      announce(sandbox, { interfaceName, macAddress, addresses: ['10.0.0.2'] })
    } catch (error) {
      if (KernelError.is(error)) return `${error.code} ${error.operation}`
      throw error
    }
    return 'sent'
  }
  expect(refused('none0')).toBe('ENODEV announce addresses on none0')
  fixture.exec('sandbox', 'ip link set eth0 down')
  expect(refused('eth0')).toBe('ENETDOWN announce addresses on eth0')
})

it.each<Partial<Announcement>>([
  { macAddress: '02:42:0a' },
  { macAddress: '02:42:0a:00:00:zz' },
  { addresses: ['10.0.0.2', '10.0.0.2/24'] },
  { addresses: ['10.0.0.2', 'fe80::1%eth0'] },
  { addresses: ['10.0.0.2', 'host'] },
])('an announcement with %j is refused before anything is sent', (wrong) => {
  const good = { interfaceName: 'eth0', macAddress, addresses: ['10.0.0.2'] }
  expect(() => announce(sandbox, { ...good, ...wrong })).toThrow(TypeError)
  // The packet socket of the good address was never made.
  expect(packetSockets()).toBe(0)
})

it('a hundred announcements block for less than a hundred times an RCU grace period, and leave no socket open', async () => {
  const start = performance.now()
  for (let n = 0; n < 100; n++) {
    announce(sandbox, { interfaceName: 'eth0', macAddress, addresses: ['10.0.0.2', 'fd00::2'] })
  }
  expect(performance.now() - start).toBeLessThan(500)
  await eventually(() => packetSockets() === 0, { timeoutMs: 10_000 })
})

it('an announcement from inside a stretch leaves no thread in the namespace', async () => {
  sandbox.run(() => announce(undefined, { interfaceName: 'eth0', macAddress, addresses: ['10.0.0.2'] }))
  await eventually(() => packetSockets() === 0)
  assertNoStrayThreads()
})
