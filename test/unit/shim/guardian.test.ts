import { asksForHelp, help, parseArguments } from '@conet/host/guardian/arguments'
import { memberOf, membersOf, netInBody, upBody } from '@conet/host/guardian/input'
import { upAnswer } from '@conet/host/guardian/up-answer'
import type { ContainerView } from '@conet/sdk/client'
import { describe, expect, it } from 'vitest'
import { container, networkId } from '../client/samples.ts'

describe('the command line of conet-guardian', () => {
  it('takes Guardian’s words in their order, and its own in every form', () => {
    const expected = { action: 'up', handle: 'h', socket: '/s', timeoutMs: 60_000 }
    const own = [['--socket', '/s'], ['--socket=/s'], ['-socket', '/s']]
    for (const argv of own)
      expect(parseArguments([...argv, '--action', 'up', '--handle', 'h'], {})).toEqual(expected)
    expect(parseArguments(['--action=up', '--handle=h'], { CONET_SOCKET: '/s' })).toEqual(expected)
  })

  it('takes a handle that looks like a flag', () => {
    expect(parseArguments(['--action', 'down', '--handle', '--action'], {}).handle).toBe('--action')
  })

  it('takes a deadline in seconds, from the environment too', () => {
    const up = ['--action', 'up', '--handle', 'h']
    expect(parseArguments([...up, '--timeout', '1.5'], { CONET_TIMEOUT: '9' }).timeoutMs).toBe(1_500)
    expect(parseArguments(up, { CONET_TIMEOUT: '9' }).timeoutMs).toBe(9_000)
    expect(() => parseArguments(up, { CONET_TIMEOUT: 'x' })).toThrow(
      'CONET_TIMEOUT must be a number of seconds',
    )
  })

  it('explains itself with an example, unless the word is somebody’s handle', () => {
    expect([['--help'], ['--action', 'up', '-h']].map(asksForHelp)).toEqual([true, true])
    expect(asksForHelp(['--action', 'down', '--handle', '--help'])).toBe(false)
    expect(help).toMatch(/usage: conet-guardian .*conet-guardian --action up --handle web-1/s)
  })

  it.each([
    [[], '--action is missing'],
    [['--action', 'up', '--handle', 'h', '--timeout=0'], '--timeout must be a number of seconds'],
    [['--action', 'up'], '--handle is missing'],
    [['--action', 'up', '--handle', ''], '--handle is missing'],
    [['--action', 'check', '--handle', 'h'], 'unrecognized action: check'],
    [['--action', 'up', '--handle', 'h', '--what'], '--what'],
    [['--action', 'up', '--handle', 'h', 'more'], 'more'],
  ])('%j is refused with %s', (argv, reason) => {
    expect(() => parseArguments(argv, {})).toThrow(reason)
  })
})

describe('what Guardian writes', () => {
  it('has names in any case, and null for nothing', () => {
    expect(membersOf('null')).toEqual({})
    expect(membersOf('')).toEqual({})
    expect(membersOf('{"Pid":1,"netin":[]}')).toEqual({ pid: 1, netin: [] })
    expect(() => membersOf('[]')).toThrow('it must be a JSON object')
  })

  it('is refused where it lacks the rule, which would be one that allows everything', () => {
    for (const said of ['', 'null', '{}', '{"netout_rule":null}', '{"rule":{"protocol":1}}'])
      expect(() => memberOf(membersOf(said), 'netout_rule')).toThrow('netout_rule is missing')
    expect(() => netInBody('h', membersOf('{}'))).toThrow('ContainerPort is missing')
    expect(memberOf(membersOf('{"NetOut_Rule":{}}'), 'netout_rule')).toEqual({})
  })

  it('becomes an up with the identity of the namespace', () => {
    const namespace = expect.stringMatching(/^\d+:\d+$/)
    const said = membersOf(`{"Pid":${process.pid},"Properties":{"a":"b"},"netin":[{"host_port":1}]}`)
    expect(upBody(said)).toEqual({
      pid: process.pid,
      namespace,
      properties: { a: 'b' },
      netin: [{ host_port: 1 }],
    })
    expect(upBody({ pid: 4_000_000, properties: null })).toEqual({ pid: 4_000_000 })
  })

  it.each([
    ['', 'Pid is missing'],
    ['null', 'Pid is missing'],
    ['{}', 'Pid is missing'],
    ['{"Pid":null}', 'Pid is missing'],
    ['{"Pid":"x"}', 'Pid must be a number'],
    ['{"Pid":1.5}', 'Pid must be a number'],
    ['{"Pid":-1}', 'Pid must be a number'],
    ['{"Pid":0}', 'Pid is 0, and descriptor 3 is no network namespace'],
  ])('an up with %j is refused with %s', (text, reason) => {
    expect(() => upBody(membersOf(text))).toThrow(reason)
  })

  it('becomes a NetIn', () => {
    const said = membersOf('{"HostIP":"1.2.3.4","HostPort":0,"ContainerIP":"10.0.0.2","ContainerPort":8080}')
    expect(netInBody('h', said)).toEqual({ handle: 'h', host_port: 0, container_port: 8080 })
  })
})

it('[A7] [A18] the answer has each port by itself, Garden’s the TCP ones of the primary network alone', () => {
  const port = { protocol: 'tcp' as const, host_port: 61001, container_port: 80 }
  const info: ContainerView['networks'][string] = {
    network_id: networkId,
    network_name: 'n',
    primary: false,
    state: 'plugged',
    addresses: [],
    default_route: false,
    mapped_ports: [],
  }
  const networks = {
    other: info,
    main: {
      ...info,
      primary: true,
      mapped_ports: [
        { ...port, count: 2 },
        { ...port, protocol: 'udp' as const, host_address: '192.0.2.1' },
        { ...port, host_port: 61003, host_address: '192.0.2.1' },
      ],
    },
  }
  const { properties } = upAnswer(container({ networks }))
  const tcp = [
    { HostPort: 61001, ContainerPort: 80 },
    { HostPort: 61002, ContainerPort: 81 },
  ]
  const addressed = { HostPort: 61003, ContainerPort: 80 }
  expect(JSON.parse(properties['garden.network.mapped-ports'] ?? '')).toEqual([...tcp, addressed])
  const [all, none] = ['main', 'other'].map((name) => properties[`conet.networks.${name}.mapped-ports`])
  expect(JSON.parse(all ?? '')).toEqual([
    ...tcp.map((each) => ({ ...each, Protocol: 'tcp' })),
    { HostPort: 61001, ContainerPort: 80, Protocol: 'udp', HostAddress: '192.0.2.1' },
    { ...addressed, Protocol: 'tcp', HostAddress: '192.0.2.1' },
  ])
  expect(none).toBe('[]')
  expect(upAnswer(container({ networks: {} }))).toEqual({ properties: {} })
})

it('[A7] a network with IPv6 alone has its addresses where Garden looks for one, primary or not', () => {
  const six = {
    ...{ network_id: networkId, network_name: 'n', state: 'plugged' as const, addresses: [] },
    ...{ default_route: false, mapped_ports: [], container_ipv6: 'fd00::2', host_ipv6: 'fd00::1' },
  }
  const both = { ...six, container_ip: '10.0.0.2', host_ip: '10.0.0.1' }
  const networks = {
    main: { ...six, primary: true },
    six: { ...six, primary: false },
    both: { ...both, primary: false },
  }
  const { properties } = upAnswer(container({ networks }))
  for (const prefix of ['garden.network.', 'conet.networks.main.', 'conet.networks.six.'])
    expect(properties, prefix).toMatchObject({
      [`${prefix}container-ip`]: 'fd00::2',
      [`${prefix}container-ipv6`]: 'fd00::2',
      [`${prefix}host-ip`]: 'fd00::1',
    })
  expect(properties).toMatchObject({ 'conet.networks.both.container-ip': '10.0.0.2' })
})
