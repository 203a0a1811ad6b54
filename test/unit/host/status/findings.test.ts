import { findingsOf, type MachineFacts, type StatusFacts } from '@conet/host/status/index'
import { forwardChainOf } from '@conet/host/status/machine-facts'
import type { DriverView } from '@conet/sdk/api'
import { describe, expect, it } from 'vitest'
import { endpoint, network } from '../api/api-fixture.ts'

const goodMachine: MachineFacts = {
  addresses: new Set(network.subnets.flatMap(({ gateway }) => gateway ?? []).concat('fd00::1')),
  ipv4Forwarding: '1',
  ipv6Forwarding: '1',
  uplink: { name: 'eth0', setting: 'net/ipv4/conf/eth0/forwarding', forwarding: '1' },
  strayRoutes: [{ gateway: '203.0.113.1', destination: '203.0.113.0/25', interfaceName: 'tun0' }],
  bridgeCallsIptables: undefined,
  bridgeCallsIp6tables: '0',
  ephemeralPorts: '32768\t60999',
  reservedPorts: '\n',
  forwardChains: [],
  firewallTrouble: undefined,
}
const driver: DriverView = {
  name: 'null',
  state: 'ready',
  since: '2026-01-01',
  attempts: 1,
  calls_in_flight: [],
  methods: [],
  violations: [],
}
const sick = {
  healthy: false,
  checks: [{ name: 'controller', ok: false, message: 'no answer' }],
  at: '2026-01-01',
}
const good: StatusFacts = {
  machine: goodMachine,
  networks: [network],
  endpoints: [endpoint],
  troubledNetworks: [],
  unplugged: [],
  drivers: [driver],
  withoutProgram: new Set(),
  strays: [],
  quarantined: [],
  portPool: { start: 61_001, size: 4_534 },
  forsaken: [],
  lostSandboxes: [],
  unreadableDowns: [],
  unused: [],
  now: new Date('2026-01-03T00:00:00Z'),
}
const away = { since: '2026-01-01', reason: 'etcd cannot be reached', isNameTaken: false, behind: 2 }
const withMachine = (machine: Partial<MachineFacts>) => ({ ...good, machine: { ...goodMachine, ...machine } })
const chain = (table: string, policy: 'accept' | 'drop') => ({
  family: 'ip',
  table,
  name: 'FORWARD',
  rest: { verdict: policy, by: 'policy' } as const,
  isLegacy: false,
})
const dropped = [chain('filter', 'drop'), chain('conet_bridge', 'drop'), chain('raw', 'accept')]
const ipv6Network = {
  ...network,
  subnets: [{ family: 6 as const, subnet: 'fd00::/64', gateway: 'fd00::1', exclude: [] }],
}
const lastError = { kind: 'protocolViolation', message: 'it lacks a method', at: '2026-01-01' }
const rejected = (kind: string, help?: string): StatusFacts => ({
  ...good,
  drivers: [
    {
      ...driver,
      state: 'rejected',
      socket: '/d/n.sock',
      last_error: { ...lastError, kind, ...(help && { help }) },
    },
  ],
})

describe('findings', () => {
  it('of what a host has left of a cluster lead back into it, and of the rest to a reconciliation', () => {
    const shared = { ...network, id: 'f'.repeat(64), name: 'red', scope: 'global' as const }
    const inRed = { ...endpoint, id: 'd'.repeat(64), networkId: shared.id, lastError: 'no tunnel' }
    const facts: StatusFacts = {
      ...good,
      networks: [network, shared],
      endpoints: [{ ...endpoint, lastError: 'no link' }, inRed],
      troubledNetworks: [
        { network, reason: 'its bridge is none' },
        { network: shared, reason: 'no underlay' },
      ],
      unplugged: [{ handle: 'web', network: 'red', reason: undefined, isLeft: true }],
    }
    const found = (given: StatusFacts) =>
      findingsOf(given)
        .filter(({ code }) => /-in-trouble$|-unplugged$/.test(code))
        .map(({ message, help }) => [
          /red|no tunnel/.test(message),
          /^start conetd with --cluster/.test(help ?? ''),
        ])
    const isTold = found({ ...facts, isWithoutCluster: true })
    expect(isTold).toHaveLength(5)
    for (const [isOfCluster, leadsBack] of isTold) expect(leadsBack).toBe(isOfCluster)
    const inCluster = { ...facts, unplugged: [] }
    expect(found(inCluster).map(([, leadsBack]) => leadsBack)).toEqual([false, false])
  })

  it('are none on a machine where nothing stands in the way', () => {
    expect(findingsOf(good)).toEqual([])
  })

  it('are no error about the dead socket of an instance while another one works: it may be removed', () => {
    const active: DriverView = { ...driver, role: 'active', socket: '/d/null.sock' }
    const dead: DriverView = { ...driver, state: 'closed', socket: '/d/null-2.sock', last_error: lastError }
    const found = findingsOf({ ...good, drivers: [active, dead] })
    expect(found).toMatchObject([{ severity: 'info', code: 'driver-socket-dead' }])
    expect(found[0]?.message).toContain(
      'driver null works; another instance of it, at /d/null-2.sock, is closed',
    )
    expect(found[0]?.help).toContain('rm /d/null-2.sock')
    const other: DriverView = { ...dead, socket: '/d/null.sock' }
    const codes = findingsOf({ ...good, drivers: [other, dead] })
    expect(codes.map(({ code }) => code)).toEqual(['driver-not-ready', 'driver-not-ready'])
  })

  it('advise to remove a socket at which nobody was heard of, and not to start a driver of its name', () => {
    const help =
      'start its driver again where it was started before; if it is not to come back there: rm /d/vxlan-2.sock'
    const left: DriverView = {
      ...driver,
      name: 'vxlan-2',
      state: 'closed',
      socket: '/d/vxlan-2.sock',
      last_error: { ...lastError, help },
    }
    const helpOf = (one: DriverView) => findingsOf({ ...good, drivers: [one] })[0]?.help
    expect(helpOf(left)).toContain(help)
    expect(helpOf(left)).not.toContain('driver start')
    // It has said its name, or a network has it.
    for (const known of [
      { ...left, protocol_version: '1.0' },
      { ...left, name: network.type },
    ])
      expect(helpOf(known)).toContain(`conet driver start ${known.name}`)
  })

  it('advise of a driver without a program here that its owner starts it, and not to start it', () => {
    const foreign: DriverView = { ...driver, name: 'theirs', state: 'gone' }
    const helpOf = (withoutProgram: ReadonlySet<string>) =>
      findingsOf({ ...good, drivers: [foreign], withoutProgram })[0]?.help
    expect(helpOf(new Set(['theirs']))).toMatch(/^its owner has to start it/)
    expect(helpOf(new Set(['theirs']))).not.toContain('driver start')
    expect(helpOf(new Set(['null']))).toContain('conet driver start theirs')
  })

  it('advise for a driver that does not answer what ends it', () => {
    const error = { kind: 'deadlineExceeded', message: 'no answer', at: '2026-01-01' }
    const hung: DriverView = { ...driver, state: 'initializing', pid: 7, last_error: error }
    expect(findingsOf({ ...good, drivers: [hung] })[0]?.help).toMatch(
      /process 7 does not answer.*conet driver stop null, then conet driver start null/,
    )
    const [fresh] = findingsOf({ ...good, drivers: [{ ...driver, state: 'initializing', pid: 7 }] })
    expect(fresh?.help).toContain('ask again in a moment')
    const [elsewhere] = findingsOf({ ...good, drivers: [{ ...driver, state: 'closed', last_error: error }] })
    expect(elsewhere?.help).toContain('end it, and start it anew')
    const [lost] = findingsOf({ ...good, drivers: [{ ...driver, state: 'gone', pid: 7 }] })
    expect(lost?.help).toContain('process 7 is there')
  })

  it('name files of the driver directory that are no sockets', () => {
    const found = findingsOf({ ...good, strays: ['/d/null.sock', '/d/readme'] })
    expect(found).toMatchObject([{ severity: 'info', code: 'driver-file-ignored' }])
    expect(found[0]?.message).toContain('/d/null.sock, /d/readme')
  })

  it('tell of ports that outgoing connections may get too', () => {
    const codesOf = (facts: StatusFacts) => findingsOf(facts).map(({ code }) => code)
    expect(codesOf(withMachine({ ephemeralPorts: '32768\t61001\n' }))).toEqual(['port-pool-ephemeral'])
    const mapped = (hostPort: number) => ({
      ...good,
      endpoints: [{ ...endpoint, portMappings: [{ protocol: 'tcp' as const, hostPort, containerPort: 80 }] }],
    })
    expect(codesOf(mapped(8080))).toEqual([])
    expect(codesOf(mapped(40_000))).toEqual(['mapped-ports-ephemeral'])
    expect(findingsOf(mapped(40_000))[0]?.message).toMatch(/^1 port mapping meets /)
    expect(codesOf({ ...mapped(40_000), machine: { ...goodMachine, ephemeralPorts: undefined } })).toEqual([])
    for (const [reservedPorts, codes] of [
      ['22,40000-40001,61000-65534\n', []],
      ['40001\n', ['mapped-ports-ephemeral']],
    ] as const)
      expect(codesOf({ ...mapped(40_000), machine: { ...goodMachine, reservedPorts } })).toEqual(codes)
  })

  it('tell nobody to start a driver that is on its way', () => {
    const helpFor = (state: string) =>
      findingsOf({ ...good, drivers: [{ ...driver, state }] }).map(({ help }) => help)
    expect(helpFor('syncing')).toEqual([expect.stringContaining('in a moment')])
    expect(helpFor('closed')).toEqual([expect.stringContaining('conet driver start null')])
  })

  it('tell of ports at addresses that the machine does not have', () => {
    const codesAt = (hostAddress: string) => {
      const mapping = { protocol: 'tcp' as const, hostPort: 80, containerPort: 80, hostAddress }
      const machine = { ...goodMachine, addresses: new Set(['192.0.2.1', '2001:db8::1']) }
      return findingsOf({ ...good, machine, endpoints: [{ ...endpoint, portMappings: [mapping] }] })
        .map(({ code }) => code)
        .filter((code) => code.startsWith('mapped'))
    }
    for (const here of ['192.0.2.1', '2001:db8::1', '127.0.0.9', '0.0.0.0', '::'])
      expect(codesAt(here), here).toEqual([])
    for (const elsewhere of ['192.0.2.77', '2001:db8::77'])
      expect(codesAt(elsewhere), elsewhere).toEqual(['mapped-ports-nowhere'])
  })

  it('are none of forwarding where no network needs it: no gateway is here, or there is no network', () => {
    const off = {
      ipv4Forwarding: '0',
      ipv6Forwarding: '0',
      uplink: { name: 'eth0', setting: 'net/ipv4/conf/eth0/forwarding', forwarding: '0' },
    }
    expect(findingsOf(withMachine({ ...off, addresses: new Set(['192.0.2.1']) }))).toEqual([])
    expect(findingsOf({ ...withMachine(off), networks: [] })).toEqual([])
  })

  it('are none of a chain that accepts by a rule what its policy would drop', () => {
    const rest = { verdict: 'accept', by: 'rule' } as const
    const chains = [{ ...chain('filter', 'drop'), rest }]
    expect(findingsOf(withMachine({ forwardChains: chains }))).toEqual([])
  })

  it('name the chains that could be read where others could not', () => {
    const machine = { forwardChains: dropped, firewallTrouble: 'no libnftables' }
    expect(findingsOf(withMachine(machine)).map(({ code }) => code)).toEqual([
      'forward-policy-drop',
      'firewall-unreadable',
    ])
  })

  it.each<[string, StatusFacts, string, string]>([
    [
      'sandbox-gone',
      { ...good, lostSandboxes: [{ handle: 'web', path: '/run/conet/netns/web' }] },
      'error',
      'web (/run/conet/netns/web)',
    ],
    [
      'down-unreadable',
      { ...good, unreadableDowns: ['/var/lib/conet/spool/x.down'] },
      'warning',
      '1 file that a runtime left while conetd was away cannot be read: /var/lib/conet/spool/x.down',
    ],
    [
      'container-process-gone',
      { ...good, forsaken: [{ handle: 'web', pid: 4711, downAt: undefined }] },
      'warning',
      'web (pid 4711)',
    ],
    [
      'configuration-unused',
      { ...good, unused: [{ handle: 'web', since: new Date('2026-01-01'), forgottenAt: undefined }] },
      'info',
      'web since 2026-01-01',
    ],
    ['ip-forward-off', withMachine({ ipv4Forwarding: '0' }), 'warning', 'network blue'],
    [
      'ipv6-forwarding-off',
      { ...withMachine({ ipv6Forwarding: '0' }), networks: [ipv6Network] },
      'warning',
      'blue',
    ],
    [
      'subnet-routed-elsewhere',
      withMachine({
        strayRoutes: [
          {
            gateway: network.subnets[0]?.gateway ?? '',
            destination: '192.0.2.0/24',
            interfaceName: 'tun0',
          },
        ],
      }),
      'warning',
      'network blue elsewhere: 192.0.2.0/24 by tun0;',
    ],
    [
      'uplink-forwarding-off',
      withMachine({
        uplink: { name: 'eth0.7', setting: 'net/ipv4/conf/eth0.7/forwarding', forwarding: '0' },
      }),
      'warning',
      'net/ipv4/conf/eth0.7/forwarding is 0',
    ],
    [
      'bridged-packets-filtered',
      withMachine({ bridgeCallsIptables: '1' }),
      'info',
      'bridge-nf-call-iptables is 1',
    ],
    [
      'forward-policy-drop',
      withMachine({ forwardChains: dropped }),
      'warning',
      'chain FORWARD of table ip filter',
    ],
    [
      'forward-policy-drop',
      withMachine({
        forwardChains: [{ ...chain('mangle', 'drop'), family: 'ip6', isLegacy: true }],
      }),
      'warning',
      'chain FORWARD of the legacy table ip6 mangle drops',
    ],
    ['firewall-unreadable', withMachine({ firewallTrouble: 'no libnftables' }), 'warning', 'no libnftables'],
    [
      'driver-not-ready',
      { ...good, drivers: [{ ...driver, state: 'closed' }] },
      'error',
      'network blue waits',
    ],
    [
      'driver-not-ready',
      { ...good, networks: [], drivers: [{ ...driver, state: 'gone' }] },
      'info',
      'no network uses it',
    ],
    [
      'driver-rejected',
      rejected('protocolViolation'),
      'error',
      'at /d/n.sock is not used: it lacks a method',
    ],
    ['driver-duplicate', rejected('duplicateName'), 'error', '/d/n.sock'],
    ['driver-incompatible', rejected('unsupportedProtocolVersion'), 'error', '/d/n.sock'],
    ['driver-incompatible', rejected('versionRefused'), 'error', '/d/n.sock'],
    [
      'driver-unhealthy',
      { ...good, drivers: [{ ...driver, probe: sick }] },
      'warning',
      'controller (no answer)',
    ],
    [
      'driver-unhealthy',
      { ...good, drivers: [{ ...driver, readiness: { ready: false, reason: 'no backend' } }] },
      'warning',
      'no backend',
    ],
    ['driver-degraded', { ...good, drivers: [{ ...driver, state: 'degraded' }] }, 'warning', 'unanswered'],
    [
      'driver-socket-refused',
      { ...good, drivers: [{ ...driver, state: 'rejected', attempts: 0, last_error: lastError }] },
      'warning',
      'it lacks a method',
    ],
    ['cluster-away', { ...good, cluster: away }, 'error', '2 changes of this host’s endpoints wait'],
    [
      'underlay-address-missing',
      { ...good, underlayAddress: '203.0.113.7' },
      'error',
      '203.0.113.7 is on no',
    ],
    [
      'underlay-address-unfit',
      { ...good, underlayAddress: 'fd00::1', unfitNodes: [{ name: 'two', underlayAddress: '192.0.2.2' }] },
      'error',
      'fd00::1 to two (192.0.2.2)',
    ],
    [
      'cluster-former-name',
      { ...good, formerNames: ['old'] },
      'error',
      'took part in its cluster as old, which is there still',
    ],
    [
      'cluster-name-taken',
      { ...good, cluster: { ...away, isNameTaken: true } },
      'error',
      'etcd cannot be reached',
    ],
    [
      'cluster-store-replaced',
      { ...good, storeReplaced: { since: 'noon', isPutBack: true, conflicts: [], missing: ['two'] } },
      'warning',
      'since noon: what this host has is put back',
    ],
    [
      'cluster-store-replaced',
      {
        ...good,
        storeReplaced: { since: 'noon', isPutBack: true, conflicts: ['MAC m: node two has it'], missing: [] },
      },
      'error',
      'but for: MAC m: node two has it',
    ],
    [
      'addresses-contested',
      { ...good, contested: ['10.7.0.9 of network blue: container c on node two has it'] },
      'error',
      'container c on node two has it',
    ],
    [
      'network-name-ambiguous',
      { ...good, networks: [network, { ...network, id: 'other' }] },
      'warning',
      'have the same name',
    ],
    [
      'records-quarantined',
      { ...good, quarantined: [{ table: 'networks', key: 'k', reason: 'torn', text: '' }] },
      'error',
      'networks/k (torn)',
    ],
    [
      'network-in-trouble',
      { ...good, troubledNetworks: [{ network, reason: 'its bridge is none' }] },
      'error',
      '1 network is not as it should be on this machine: blue of driver null (its bridge is none)',
    ],
    [
      'endpoint-in-trouble',
      { ...good, endpoints: [{ ...endpoint, lastError: 'no link' }] },
      'error',
      'of container web in network blue (no link)',
    ],
    [
      'deletions-pending',
      { ...good, endpoints: [{ ...endpoint, state: 'deleting' }] },
      'warning',
      '1 deletion waits for driver null (ready): endpoint eeeeeeeeeeee of container web in network blue',
    ],
  ])('name what stands in the way: %s', (code, facts, severity, words) => {
    const findings = findingsOf(facts)
    expect(findings.map((finding) => [finding.code, finding.severity])).toEqual([[code, severity]])
    expect(findings[0]?.message).toContain(words)
    expect(findings[0]?.help).toBeTruthy()
  })

  it('advise to forget a network whose driver is gone for good where no other host has it', () => {
    const helpFor = (...networks: (typeof network)[]) => {
      const endpoints = networks.map(({ id }) => ({ ...endpoint, networkId: id, state: 'deleting' as const }))
      const found = findingsOf({ ...good, networks, endpoints }).find(
        ({ code }) => code === 'deletions-pending',
      )
      return found?.help
    }
    const shared = { ...network, id: 'shared', name: 'red', scope: 'global' as const }
    const deleted = { ...shared, id: 'deleted', name: 'green', state: 'deleting' as const }
    expect(helpFor(network, deleted)).toMatch(/gone for good: conet net rm NETWORK --forget$/)
    expect(helpFor(shared)).not.toContain('--forget')
    expect(helpFor(network, shared)).toMatch(
      /--forget \(not for those that other hosts of the cluster have\)$/,
    )
  })

  it('have the help that stands on what went wrong, where there is some', () => {
    expect(findingsOf(rejected('duplicateName', 'End one of the two.'))).toMatchObject([
      { help: 'End one of the two.' },
    ])
  })

  it('of a cluster that refuses this host have the help that fits the refusal', () => {
    const help = 'look at --cluster-user'
    expect(findingsOf({ ...good, cluster: { ...away, help } })).toMatchObject([
      { code: 'cluster-away', help: expect.stringContaining(help) },
    ])
  })

  it('say nothing of an instance that another one has replaced', () => {
    expect(findingsOf(rejected('replaced'))).toEqual([])
  })

  it('come worst first', () => {
    const facts = {
      ...withMachine({ bridgeCallsIptables: '1', ipv4Forwarding: '0' }),
      quarantined: [{ table: 't', key: 'k', reason: 'r', text: '' }],
    }
    expect(findingsOf(facts).map(({ severity }) => severity)).toEqual(['error', 'warning', 'info'])
  })
})

it('a base chain at another hook, and a chain without a hook, are none of the forward chains', () => {
  const base = { family: 'inet', table: 'filter', name: 'forward', hook: 'forward', policy: 'drop' }
  expect(forwardChainOf({ chain: base })).toEqual([
    { family: 'inet', table: 'filter', name: 'forward', policy: 'drop' },
  ])
  expect(forwardChainOf({ chain: { ...base, hook: 'input' } })).toEqual([])
  expect(forwardChainOf({ chain: { family: 'ip', table: 't', name: 'plain' } })).toEqual([])
  expect(forwardChainOf({ table: { name: 't' } })).toEqual([])
})
