import { attachmentsOf, inWordsOfAnnotations } from '@conet/host/oci-hook/annotations'
import { asksForHelp, help, parseArguments } from '@conet/host/oci-hook/arguments'
import { extraHostsAt, extraHostsIn } from '@conet/host/oci-hook/extra-hosts'
import { parseState } from '@conet/host/oci-hook/state'
import { describe, expect, it } from 'vitest'

describe('annotations', () => {
  it('name networks in order, with what is asked of each', () => {
    const annotations = {
      'dev.conet.networks': 'blue, red,blue=second',
      'dev.conet.network.blue.ip': '10.0.0.7,fd00::7',
      'dev.conet.network.red.mac': '02:42:0a:00:00:09',
      'dev.conet.network.red.default-route': 'true',
      'dev.conet.network.second.interface': 'data0',
      'dev.conet.network.second.mtu': '9000',
      'dev.conet.network.second.options': '{"a":1}',
      'io.podman.other': 'x',
    }
    expect(attachmentsOf(annotations)).toEqual([
      { network: 'blue', name: 'blue', addresses: ['10.0.0.7', 'fd00::7'] },
      { network: 'red', name: 'red', mac_address: '02:42:0a:00:00:09', default_route: true },
      { network: 'blue', name: 'second', interface: 'data0', mtu: 9000, options: { a: 1 } },
    ])
  })

  it('have commas or spaces between the parts of a list', () => {
    const annotations = {
      'dev.conet.networks': ' blue red = second',
      'dev.conet.network.blue.ip': '10.0.0.7 fd00::7',
    }
    expect(attachmentsOf(annotations)).toEqual([
      { network: 'blue', name: 'blue', addresses: ['10.0.0.7', 'fd00::7'] },
      { network: 'red', name: 'second' },
    ])
  })

  it('say nothing, say one, or say that there is none', () => {
    expect(attachmentsOf({})).toBeUndefined()
    expect(attachmentsOf({ 'dev.conet.network': 'blue' })).toEqual([{ network: 'blue', name: 'blue' }])
    expect(attachmentsOf({ 'dev.conet.networks': '' })).toEqual([])
  })

  it.each([
    [{ 'dev.conet.networks': 'blue,' }, 'empty name'],
    [
      { 'dev.conet.networks': 'blue', 'dev.conet.network': 'red' },
      'annotations dev.conet.networks and dev.conet.network: keep one',
    ],
    [{ 'dev.conet.networks': '', 'dev.conet.network': '' }, 'keep one of the two'],
    [{ 'dev.conet.networks': 'blue,blue' }, 'such as blue,blue=second'],
    [{ 'dev.conet.network.blue.ip': '10.0.0.7' }, 'there is no annotation dev.conet.networks'],
    [{ 'dev.conet.networks': 'blue', 'dev.conet.network.red.ip': '10.0.0.7' }, 'dev.conet.network.red.ip'],
    [{ 'dev.conet.networks': 'blue', 'dev.conet.network.blue.mtu': 'big' }, 'is no number'],
    [{ 'dev.conet.networks': 'blue', 'dev.conet.network.blue.default-route': '1' }, 'true or false'],
    [{ 'dev.conet.networks': 'blue', 'dev.conet.network.blue.options': '[]' }, 'a JSON object'],
  ])('%j is refused with %s', (annotations: Record<string, string>, reason) => {
    expect(() => attachmentsOf(annotations)).toThrow(reason)
  })
})

it('what conetd says of a wish is told of the annotation that said it', () => {
  const wishes = attachmentsOf({ 'dev.conet.networks': 'blue,red=other' })
  const told = (text: string) => inWordsOfAnnotations(text, [], wishes)
  expect(told('attach_to[1].network: no network')).toBe('annotation dev.conet.networks: no network')
  expect(told('x attach_to[1].addresses[0] is')).toBe('x annotation dev.conet.network.other.ip[0] is')
  expect(told('attach_to[7] is')).toBe('attach_to[7] is')
  const field = 'attach_to[1].addresses[0]'
  const why = 'reserve address 10.0.0.1: it is the gateway'
  expect(inWordsOfAnnotations(why, [field, field, 'pid'], wishes)).toBe(
    `annotation dev.conet.network.other.ip: ${why}`,
  )
  expect(inWordsOfAnnotations(`${field} is`, [field], wishes)).toBe(told(`${field} is`))
})

it('the state has a pid while there is a process: runc leaves it out afterwards, crun says 0', () => {
  const state = { ociVersion: '1.0.2', id: 'c1', bundle: '/b', annotations: { a: 'b' } }
  const parsed = { id: 'c1', bundle: '/b', annotations: { a: 'b' } }
  expect(parseState(JSON.stringify({ ...state, pid: 7 }))).toEqual({ ...parsed, pid: 7 })
  for (const gone of [{}, { pid: 0 }])
    expect(parseState(JSON.stringify({ ...state, ...gone }))).toEqual({ ...parsed, pid: undefined })
  expect(() => parseState('{}')).toThrow('has no id')
  expect(() => parseState('')).toThrow('not JSON')
})

describe('the hosts file that a runtime has made', () => {
  it('is kept but for the names of the container itself, and for what is no entry', () => {
    const text = [
      '10.9.9.9\tpeer  Other.peer # said by hand',
      '# 10.9.9.8 commented',
      'FD00::1 six',
      '127.0.0.1 localhost shop',
      '127.0.0.1 shop jolly_bell',
      'fe80::1%eth0 zoned',
      'nowhere name',
      '10.9.9.7',
      '10.9.9.6 not;a;name',
    ]
    expect(extraHostsIn(text.join('\n'), 'shop')).toEqual([
      { address: '10.9.9.9', names: ['peer', 'Other.peer'] },
      { address: 'fd00::1', names: ['six'] },
      { address: '127.0.0.1', names: ['jolly_bell'] },
    ])
  })

  it('fits into a request whatever is in it, with its first entries', () => {
    const lines = Array.from({ length: 3000 }, (_, n) => `10.9.${n >> 8}.${n & 255} ${' n'.repeat(300)}`)
    const hosts = extraHostsIn(lines.join('\n'), undefined)
    expect([hosts.length, hosts[0]?.address, hosts[0]?.names.length]).toEqual([1000, '10.9.0.0', 256])
  })

  it('need not be there, nor be one that has an end', () => {
    for (const path of ['/nowhere/hosts', '/dev/zero', '/proc'])
      expect(extraHostsAt(path, undefined), path).toEqual([])
  })
})

it('the command line names one stage', () => {
  expect(parseArguments(['--socket', '/s', 'poststop'], {})).toEqual({
    stage: 'poststop',
    socket: '/s',
    timeoutMs: 60_000,
  })
  for (const argv of [[], ['prestart'], ['poststop', 'poststop']])
    expect(() => parseArguments(argv, {})).toThrow('name one stage')
  expect([asksForHelp(['--help']), asksForHelp(['poststop'])]).toEqual([true, false])
  expect(help).toMatch(/usage: conet-oci-hook .*dev\.conet\.networks.*\| conet-oci-hook createRuntime/s)
})
