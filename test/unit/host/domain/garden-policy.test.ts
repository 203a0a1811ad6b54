import { resolverFor } from '@conet/host/domain/dns'
import {
  asKept,
  netOutRule,
  notIn,
  partedByNumber,
  portRequest,
  withFurther,
} from '@conet/host/domain/garden-policy'
import { hostsText, resolvConfText } from '@conet/host/sandbox/resolver-files'
import { expect, it } from 'vitest'

it('[B22] Garden’s rules become entries of a policy, with what Go leaves out', () => {
  expect(netOutRule({})).toEqual({ protocol: 0 })
  expect(
    netOutRule({
      protocol: 3,
      networks: [{ start: '10.0.0.1' }, { end: '10.0.0.9' }, { start: '10.1.0.0', end: '10.1.0.255' }],
      ports: [{ start: 80 }, { start: 1, end: 9 }, { end: 5 }, { start: 80, end: 0 }],
      icmps: { code: 0 },
      log: true,
    }),
  ).toEqual({
    protocol: 3,
    networks: [
      { start: '10.0.0.1', end: '10.0.0.1' },
      { start: '10.0.0.9', end: '10.0.0.9' },
      { start: '10.1.0.0', end: '10.1.0.255' },
    ],
    ports: [
      { start: 80, end: 80 },
      { start: 1, end: 9 },
      { start: 0, end: 5 },
      { start: 80, end: 80 },
    ],
    icmps: { type: 0, code: 0 },
    log: true,
  })
  expect(netOutRule({ networks: null, ports: [], icmps: null, log: false })).toEqual({ protocol: 0 })
})

it('[B22] a network without ends leads anywhere, and a range of ports without ends is port 0', () => {
  const networks = [{ start: '10.0.0.1' }, { start: null }]
  expect(netOutRule({ protocol: 1, networks, ports: [{}] })).toEqual({
    protocol: 1,
    ports: [{ start: 0, end: 0 }],
  })
  expect(netOutRule({ networks: [{}] })).toEqual({ protocol: 0 })
})

it('entries come to the end; a port that leads there already is not doubled, one that asks for any is', () => {
  const any = portRequest({ container_port: 80 })
  const fixed = portRequest({ host_port: 8080, container_port: 80 })
  const policy = withFurther({ limits: {} }, { net_in: [any, fixed] })
  expect(policy).toEqual({ limits: {}, net_in: [any, fixed] })
  expect(withFurther(policy, { net_in: [any, fixed] })).toEqual(policy)
  expect(withFurther(policy, { net_in: [any, any] })).toEqual({ limits: {}, net_in: [any, fixed, any] })
  expect(withFurther({}, { net_in: [fixed, fixed] })).toEqual({ net_in: [fixed] })
  expect(withFurther(policy, {})).toBe(policy)
})

it.each([
  [{ protocol: 'tcp', host_port: 8080, container_port: 80 }, 'doubled'],
  [{ host_port: 8080, container_port: 80, count: 1 }, 'doubled'],
  [{ host_port: 8070, container_port: 70, count: 20 }, 'doubled'],
  [{ host_port: 8080, container_port: 80, host_address: '0.0.0.0' }, 'doubled'],
  [{ host_port: 8070, container_port: 71, count: 20 }, 'another'],
  [{ host_port: 8070, container_port: 70, count: 10 }, 'another'],
  [{ host_port: 8080, container_port: 80, host_address: '::' }, 'another'],
  [{ host_port: '8080', container_port: 80 }, 'another'],
  [{ protocol: 'udp', host_port: 8080, container_port: 80 }, 'another'],
  [{ host_port: 8080, container_port: 80, host_address: '192.0.2.1' }, 'another'],
  [{ host_port: 8080, container_port: 81 }, 'another'],
  [{ host_port: 8080 }, 'another'],
])('the port 8080 to 80 is, behind %j, %s', (there, is) => {
  const further = { net_in: [portRequest({ host_port: 8080, container_port: 80 })] }
  const behind = is === 'doubled' ? [there] : [there, ...further.net_in]
  expect(withFurther({ net_in: [there] }, further)).toEqual({ net_in: behind })
  expect(
    withFurther({ net_in: [{ host_port: 80 }] }, { net_in: [{ host_port: 80, container_port: 80 }] }),
  ).toEqual({
    net_in: [{ host_port: 80 }],
  })
})

it('entries are parted into ports of any number and all else, of which a port that is there is not said again', () => {
  const any = portRequest({ container_port: 80 })
  const fixed = portRequest({ host_port: 8080, container_port: 80 })
  const net_out = [netOutRule({ protocol: 1 })]
  expect(partedByNumber({ net_in: [any, fixed, {}], net_out })).toEqual({
    any: { net_in: [any, {}] },
    numbered: { net_in: [fixed], net_out },
  })
  expect(notIn({ net_in: [fixed] }, { net_in: [fixed], net_out })).toEqual({ net_in: [], net_out })
  expect(notIn({ net_in: [any] }, { net_in: [fixed, any] })).toEqual({ net_in: [fixed, any] })
})

it('what keeps a port of any number is as many of its like as stand up to there', () => {
  const [any, other] = [portRequest({ container_port: 80 }), portRequest({ container_port: 81 })]
  const kept = (place: number, added: unknown[]) =>
    asKept(place, { policy: { net_in: [any, other, { ...any, protocol: 'tcp' }] }, added: { net_in: added } })
      .net_in
  expect(kept(0, [])).toEqual([any])
  expect(kept(1, [any])).toEqual([other])
  expect(kept(2, [any])).toEqual([{ ...any, protocol: 'tcp' }])
  expect(kept(0, [any, any])).toEqual([])
  expect(kept(3, [])).toBeUndefined()
})

it('rules come to the end though they stand before, where a later one would win over them', () => {
  const rule = netOutRule({ protocol: 1 })
  const denial = { action: 'deny' }
  const told = { net_in: [], net_out: [rule] }
  expect(withFurther({ net_out: [denial, rule] }, told)).toEqual({ net_out: [denial, rule] })
  expect(withFurther({ net_out: [rule, denial] }, told)).toEqual({ net_out: [rule, denial, rule] })
})

it('[C6] what no driver says of name resolution comes from the configuration', () => {
  const dns = { servers: ['10.0.0.53'], search: [], options: [] }
  const defaults = { servers: ['1.1.1.1'], search: ['apps.internal'], options: ['ndots:2'] }
  expect(resolverFor([], undefined)).toBeUndefined()
  expect(resolverFor([], defaults)).toBe(defaults)
  expect(resolverFor([dns], undefined)).toEqual(dns)
  expect(resolverFor([dns], defaults)).toEqual({ ...defaults, servers: ['10.0.0.53'] })
  expect(resolvConfText({ ...defaults, servers: ['10.0.0.53', 'fd00::53'] })).toBe(
    'nameserver 10.0.0.53\nnameserver fd00::53\nsearch apps.internal\noptions ndots:2\n',
  )
})

const hosts = { handle: 'web', hostname: undefined, addresses: ['10.0.0.2'], extraHosts: undefined }
const localhost = ['127.0.0.1\tlocalhost', '::1\tlocalhost']

it('the hosts file names the container by the end of its handle, as Guardian does', () => {
  expect(hostsText({ ...hosts, handle: `${'x'.repeat(10)}${'h'.repeat(49)}` })).toBe(
    `${[...localhost, `10.0.0.2\t${'h'.repeat(49)}`].join('\n')}\n`,
  )
  expect(hostsText({ ...hosts, handle: '..' })).toBe(`${localhost.join('\n')}\n`)
})

it('the hosts file has the name that the container has itself, and what its runtime adds', () => {
  const said = { ...hosts, hostname: 'shop', extraHosts: [{ address: '10.9.9.9', names: ['peer', 'other'] }] }
  const added = ['10.0.0.2\tshop web', '10.9.9.9\tpeer other']
  expect(hostsText(said)).toBe(`${[...localhost, ...added].join('\n')}\n`)
  expect(hostsText({ ...hosts, hostname: 'web' })).toBe(hostsText(hosts))
})
