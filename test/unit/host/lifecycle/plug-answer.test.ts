import { assertSensible } from '@conet/host/lifecycle/plug-answer'
import { ConetError, checkResult, type PlugResult } from '@conet/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const asked = {
  endpointId: 'e1',
  driver: 'wire',
  wanted: {
    name: 'eth0',
    macAddress: '02:42:0a:00:00:02',
    addresses: ['10.1.0.2/16', 'fd00::2/64'],
    mtu: 1450,
  },
  taken: new Set(['eth5']),
}
const good: PlugResult['interfaces'][number] = {
  configuredBy: 'host',
  name: 'eth0',
  sourceName: 'src0',
  macAddress: '02:42:0a:00:00:02',
  addresses: ['10.1.0.2/16', 'fd00::2/64'],
  mtu: 1450,
  routes: [
    { destination: '0.0.0.0/0', gateway: '10.1.0.1', metric: 0, scope: 'global', source: '10.1.0.2' },
    { destination: '::/0', gateway: 'fd00::1', table: 4_294_967_295 },
  ],
  neighbours: [{ address: 'fd00::1', macAddress: '02:42:0a:00:00:01' }],
  sysctls: { 'net/ipv4/conf/eth0/rp_filter': '2' },
}
const dns = { servers: ['10.1.0.53', 'fd00::53'], search: ['blue.example'], options: ['ndots:2'] }

/** The fields that are named; none: the answer makes sense. */
function faultsOf(result: PlugResult, isShared = false): string[] {
  try {
    assertSensible(result, { ...asked, isShared })
    return []
  } catch (error) {
    if (!ConetError.is(error, 'protocolViolation')) throw error
    return error.fields.map(({ path }) => path)
  }
}

const faultsOfOne = (change: object) => faultsOf({ interfaces: [{ ...good, ...change }] })
const route = (change: object) => faultsOfOne({ routes: [{ destination: '10.9.0.0/16', ...change }] })

describe('the answer to a plug', () => {
  it('is taken when it makes sense, with one interface, several or none', () => {
    const second = { ...good, name: 'wan0', sourceName: 'src1' }
    expect(faultsOf({ interfaces: [good], dns })).toEqual([])
    expect(faultsOf({ interfaces: [second, good] })).toEqual([])
    expect(faultsOf({ interfaces: [] })).toEqual([])
  })

  it.each<[string, () => string[], string]>([
    ['a name that nobody asked for', () => faultsOfOne({ name: 'wan0' }), 'interfaces[0].name'],
    ['a name twice', () => faultsOf({ interfaces: [good, good] }), 'interfaces[1].name'],
    ['the loopback', () => faultsOf({ interfaces: [good, { ...good, name: 'lo' }] }), 'interfaces[1].name'],
    [
      "another endpoint's name",
      () => faultsOf({ interfaces: [good, { ...good, name: 'eth5' }] }),
      'interfaces[1].name',
    ],
    ['no source name', () => faultsOfOne({ sourceName: undefined }), 'interfaces[0].sourceName'],
    [
      'another MAC than was asked for',
      () => faultsOfOne({ macAddress: '02:42:0a:00:00:03' }),
      'interfaces[0].macAddress',
    ],
    ['another MTU than was asked for', () => faultsOfOne({ mtu: 1400 }), 'interfaces[0].mtu'],
    ['no MTU, and one was asked for', () => faultsOfOne({ mtu: undefined }), 'interfaces[0].mtu'],
    [
      'an address too few',
      () => faultsOfOne({ addresses: ['10.1.0.2/16', 'fd00::3/64'] }),
      'interfaces[0].addresses',
    ],
    [
      'another prefix',
      () => faultsOfOne({ addresses: ['10.1.0.2/24', 'fd00::2/64'] }),
      'interfaces[0].addresses',
    ],
    ["a group's MAC", () => faultsOfOne({ macAddress: '01:00:5e:00:00:01' }), 'interfaces[0].macAddress'],
    [
      'an address without meaning',
      () => faultsOfOne({ addresses: ['1.2.3/8'] }),
      'interfaces[0].addresses[0]',
    ],
    [
      'a prefix out of range',
      () => faultsOfOne({ addresses: ['fd00::2/129'] }),
      'interfaces[0].addresses[0]',
    ],
    [
      'host bits in a destination',
      () => route({ destination: '10.9.0.1/16' }),
      'interfaces[0].routes[0].destination',
    ],
    ['a gateway of the other family', () => route({ gateway: 'fd00::1' }), 'interfaces[0].routes[0].gateway'],
    ['a source of the other family', () => route({ source: 'fd00::1' }), 'interfaces[0].routes[0].source'],
    ['a metric of more than 32 bits', () => route({ metric: 2 ** 32 }), 'interfaces[0].routes[0].metric'],
    ['a table of more than 32 bits', () => route({ table: 1e300 }), 'interfaces[0].routes[0].table'],
    [
      'a neighbour that is no address',
      () => faultsOfOne({ neighbours: [{ ...good.neighbours?.[0], address: '1.2' }] }),
      'interfaces[0].neighbours[0].address',
    ],
    [
      'a setting of no family',
      () => faultsOfOne({ sysctls: { 'net/x/y': '1' } }),
      'interfaces[0].sysctls.net/x/y',
    ],
    [
      'a resolver that is no address',
      () => faultsOf({ interfaces: [], dns: { ...dns, servers: ['1.2.3'] } }),
      'dns.servers[0]',
    ],
    [
      'two words as one domain',
      () => faultsOf({ interfaces: [], dns: { ...dns, search: ['a\nnameserver 6.6.6.6'] } }),
      'dns.search[0]',
    ],
    [
      'an empty option',
      () => faultsOf({ interfaces: [], dns: { ...dns, options: ['ndots:1', ''] } }),
      'dns.options[1]',
    ],
  ])('is refused, and the field named, with %s', (_what, faults, path) => {
    expect(faults()).toEqual([path])
  })

  it('may have more addresses than were asked for, in any spelling, and an MTU where none was', () => {
    expect(faultsOfOne({ addresses: ['fd00:0::0002/64', '10.9.0.1/16', '10.1.0.2/16'] })).toEqual([])
    const { mtu: _, ...wanted } = asked.wanted
    const answer = { interfaces: [{ ...good, mtu: 1376 }] }
    expect(() => assertSensible(answer, { ...asked, wanted, isShared: false })).not.toThrow()
  })

  it('has MAC and MTU of another endpoint where the interface is shared, and the addresses that were asked for', () => {
    const shared = { ...good, configuredBy: 'driver', macAddress: '02:42:0a:00:00:09', mtu: 1500 } as const
    expect(faultsOf({ interfaces: [shared] }, true)).toEqual([])
    expect(faultsOf({ interfaces: [{ ...shared, addresses: [] }] }, true)).toEqual([
      'interfaces[0].addresses',
    ])
  })

  it('about an interface that endpoints share is refused where the host is to make it', () => {
    const byDriver = { ...good, configuredBy: 'driver' } as const
    expect(faultsOf({ interfaces: [byDriver] }, true)).toEqual([])
    expect(faultsOf({ interfaces: [good] }, true)).toEqual(['interfaces[0].configuredBy'])
    const second = { ...good, name: 'wan0', sourceName: 'src1' }
    expect(faultsOf({ interfaces: [byDriver, second] }, true)).toEqual(['interfaces[1].configuredBy'])
  })

  it('with whatever the schema lets through, is taken or refused with fields', () => {
    const text = (unit: string, maxLength: number) =>
      fc.string({ unit: fc.constantFrom(...unit), minLength: 2, maxLength })
    const address = fc.oneof(text('0123456789abcdef.:', 45), fc.ipV4(), fc.ipV6())
    const cidr = fc.tuple(address, fc.nat(200)).map(([host, length]) => `${host}/${length}`)
    const result = fc.record({
      interfaces: fc.array(
        fc.record({
          configuredBy: fc.constantFrom('driver', 'host'),
          name: fc.constantFrom('eth0', 'eth1', 'lo', 'eth5'),
          macAddress: fc.constantFrom('02:42:0a:00:00:02', '00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff'),
          addresses: fc.array(cidr, { maxLength: 3 }),
          routes: fc.array(
            fc.record(
              {
                destination: cidr,
                gateway: address,
                source: address,
                metric: fc.nat(),
                table: fc.integer({ min: 1 }),
              },
              { requiredKeys: ['destination'] },
            ),
            { maxLength: 3 },
          ),
        }),
        { maxLength: 3 },
      ),
    })
    fc.assert(
      fc.property(result, (answer) => {
        for (const path of faultsOf(checkResultOrNone(answer)))
          expect(path).toMatch(/^(interfaces\[\d\]|dns)\./)
      }),
    )
  })
})

/** What the schema itself refuses never comes this far. */
function checkResultOrNone(answer: unknown): PlugResult {
  try {
    return checkResult('endpoint/plug', answer)
  } catch {
    return { interfaces: [] }
  }
}
