import { AddressAllocator, findOverlap, parseSubnet, type SubnetInput } from '@conet/host/ipam/index'
import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'

function wrongFields(input: SubnetInput): string[] {
  try {
    parseSubnet(input, 'subnets[0]')
  } catch (error) {
    if (ConetError.is(error, 'invalidArgument')) return error.fields.map(({ path }) => path)
    throw error
  }
  return []
}

function handedOut(input: SubnetInput): string[] {
  const allocator = new AddressAllocator(parseSubnet(input))
  return Array.from({ length: Number(allocator.capacity) }, (_, n) => allocator.allocate({ holder: `e${n}` }))
}

describe('a subnet', () => {
  it('comes back in canonical text, the gateway on its first usable address', () => {
    expect(parseSubnet({ subnet: '10.0.0.0/16' })).toEqual({
      family: 4,
      subnet: '10.0.0.0/16',
      gateway: '10.0.0.1',
      exclude: [],
    })
    const input = { subnet: 'FD00:0:0:1::/64', range: 'fd00:0:0:1:8000::/65', exclude: ['fd00:0:0:1:0::5'] }
    expect(parseSubnet(input)).toEqual({
      family: 6,
      subnet: 'fd00:0:0:1::/64',
      gateway: 'fd00:0:0:1::1',
      range: 'fd00:0:0:1:8000::-fd00::1:ffff:ffff:ffff:ffff',
      exclude: ['fd00:0:0:1::5'],
    })
  })

  it.each<[string, SubnetInput, string[]]>([
    [
      'never its network, broadcast and gateway address',
      { subnet: '10.0.0.0/29' },
      ['2', '3', '4', '5', '6'],
    ],
    ['the first address without a gateway', { subnet: '10.0.0.0/30', gateway: 'none' }, ['1', '2']],
    ['both addresses of a /31 (RFC 3021)', { subnet: '10.0.0.0/31', gateway: 'none' }, ['0', '1']],
    ['the other address of a /31 with a gateway', { subnet: '10.0.0.0/31' }, ['1']],
    ['the one address of a /32', { subnet: '10.0.0.7/32', gateway: 'none' }, ['7']],
    [
      'what lies in the range and is not excluded',
      { subnet: '10.0.0.0/24', range: '10.0.0.8/29', exclude: ['10.0.0.9', '10.0.0.12-10.0.0.14'] },
      ['8', '10', '11', '15'],
    ],
  ])('gives endpoints %s', (_, input, last) => {
    expect(handedOut(input)).toEqual(last.map((byte) => `10.0.0.${byte}`))
  })

  it.each<[string, SubnetInput, string[]]>([
    [
      'not the subnet-router anycast address, but the highest',
      { subnet: 'fd00::/126' },
      ['fd00::2', 'fd00::3'],
    ],
    ['both addresses of a /127 (RFC 6164)', { subnet: 'fd00::/127', gateway: 'none' }, ['fd00::', 'fd00::1']],
    ['the one address of a /128', { subnet: 'fd00::7/128', gateway: 'none' }, ['fd00::7']],
  ])('of IPv6 gives endpoints %s', (_, input, addresses) => {
    expect(handedOut(input)).toEqual(addresses)
  })

  it.each<[string, SubnetInput, string[]]>([
    ['host bits', { subnet: '10.0.0.1/16' }, ['subnet']],
    ['no block', { subnet: 'blue' }, ['subnet']],
    ['the default route', { subnet: '0.0.0.0/0' }, ['subnet']],
    ['loopback', { subnet: '127.1.0.0/16' }, ['subnet']],
    ['multicast', { subnet: 'ff02::/64' }, ['subnet']],
    ['link-local IPv6', { subnet: 'fe80::/64' }, ['subnet']],
    ['link-local IPv4', { subnet: '169.254.0.0/16' }, ['subnet']],
    ['a part of link-local IPv4', { subnet: '169.254.7.0/24' }, ['subnet']],
    ['a block around link-local IPv4', { subnet: '169.0.0.0/8' }, ['subnet']],
    ['IPv4-mapped IPv6', { subnet: '::ffff:10.0.0.0/112' }, ['subnet']],
    ['a gateway outside', { subnet: '10.0.0.0/16', gateway: '10.1.0.1' }, ['gateway']],
    ['a gateway of the other family', { subnet: '10.0.0.0/16', gateway: 'fd00::1' }, ['gateway']],
    [
      'a gateway that is the broadcast address',
      { subnet: '10.0.0.0/24', gateway: '10.0.0.255' },
      ['gateway'],
    ],
    ['an empty gateway', { subnet: '10.0.0.0/24', gateway: '' }, ['gateway']],
    ['a range beyond the end', { subnet: '10.0.0.0/24', range: '10.0.0.9-10.0.1.2' }, ['range']],
    ['a range of the gateway alone', { subnet: '10.0.0.0/24', range: '10.0.0.1/32' }, ['range']],
    ['a range of the broadcast address', { subnet: '10.0.0.0/24', range: '10.0.0.255/32' }, ['range']],
    [
      'a range that is excluded',
      { subnet: 'fd00::/64', range: 'fd00::8/126', exclude: ['fd00::/120'] },
      ['range'],
    ],
    ['a range backwards', { subnet: '10.0.0.0/24', range: '10.0.0.9-10.0.0.2' }, ['range']],
    [
      'several fields',
      { subnet: '10.0.0.0/24', gateway: 'x', range: '', exclude: ['10.0.0.1', '10.9.0.0/16', 'y'] },
      ['gateway', 'range', 'exclude[1]', 'exclude[2]'],
    ],
    ['nothing left', { subnet: '10.0.0.0/30', exclude: ['10.0.0.0/30'] }, ['subnet']],
    ['a /32 without room for a gateway and an endpoint', { subnet: '10.0.0.7/32' }, ['gateway']],
    ['a /128 without room for a gateway and an endpoint', { subnet: 'fd00::7/128' }, ['gateway']],
    ['a /32 taken by its gateway', { subnet: '10.0.0.7/32', gateway: '10.0.0.7' }, ['subnet']],
    ['too many excludes', { subnet: '10.0.0.0/16', exclude: Array(300).fill('10.0.0.9') }, ['exclude']],
  ])('is refused for %s, each wrong field named', (_, input, fields) => {
    expect(wrongFields(input)).toEqual(fields.map((field) => `subnets[0].${field}`))
  })
})

describe('overlap', () => {
  const taken = [
    { subnet: '0.0.0.0/0', owner: 'default route' },
    { subnet: '128.0.0.0/1', owner: 'half a default route' },
    { subnet: '172.17.5.9/16', owner: 'docker0' },
    { subnet: 'fd00:1::/64', owner: 'network blue' },
  ]

  it('names the first owner, whichever of the two is larger', () => {
    expect(findOverlap('172.17.9.0/24', taken)).toMatchObject({ owner: 'docker0' })
    expect(findOverlap('172.16.0.0/12', taken)).toMatchObject({ owner: 'docker0' })
    expect(findOverlap('fd00::/16', taken)).toMatchObject({ owner: 'network blue' })
  })

  it('finds none beside the others and with default routes', () => {
    expect(findOverlap('172.18.0.0/16', taken)).toBeUndefined()
    expect(findOverlap('fd00:2::/64', taken)).toBeUndefined()
  })
})
