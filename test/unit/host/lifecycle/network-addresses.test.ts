import type { EndpointRecord } from '@conet/host/domain/endpoint'
import type { NetworkRecord } from '@conet/host/domain/network'
import { AddressBook } from '@conet/host/lifecycle/address-book'
import { describe, expect, it } from 'vitest'

const pools = { ipv4: [{ base: '10.0.0.0/8', size: 16 }], ipv6: [{ base: 'fd00:1::/48', size: 64 }] }
const bookWith = (routes: string[] = []) =>
  new AddressBook({ pools, machineRoutes: () => routes.map((subnet) => ({ subnet, owner: 'a route' })) })

function openNetwork(
  book: AddressBook,
  body: Parameters<AddressBook['chooseSubnets']>[0],
  id = '1',
): NetworkRecord {
  const network: NetworkRecord = {
    id,
    name: `net${id}`,
    type: 'null',
    state: 'active',
    labels: {},
    internal: body.internal ?? false,
    subnets: book.chooseSubnets(body),
    config: {},
    createdAt: '',
    request: '',
  }
  book.open(network)
  return network
}

const attachment = (change: { addresses?: string[]; macAddress?: string } = {}) => ({
  name: 'a',
  networkId: '1',
  addresses: [],
  options: {},
  ...change,
})

describe('the addresses of networks', () => {
  it('[C18] gives the first endpoint 10.0.0.2/16 and the MAC that follows from it', () => {
    const book = bookWith()
    const network = openNetwork(book, { type: 'null' })
    const { addresses, macAddress } = book.reserve(network, { endpointId: 'e1', attachment: attachment() })
    expect(addresses).toEqual(['10.0.0.2/16'])
    expect(macAddress).toBe('02:42:0a:00:00:02')
  })

  it('gives one address of each family', () => {
    const book = bookWith()
    const network = openNetwork(book, { type: 'null', ipv4: true, ipv6: true })
    const { addresses } = book.reserve(network, { endpointId: 'e1', attachment: attachment() })
    expect(addresses).toEqual(['10.0.0.2/16', 'fd00:1::2/64'])
  })

  it('gives no endpoint the MAC that another attachment of its container asks for', () => {
    const book = bookWith()
    const network = openNetwork(book, { type: 'null' })
    const asked = attachment({ macAddress: '02:42:0a:00:00:02' })
    const first = book.reserve(network, {
      endpointId: 'e1',
      attachment: attachment(),
      promisedMacs: ['02:42:0a:00:00:02'],
    })
    expect(first.addresses).toEqual(['10.0.0.2/16'])
    expect(first.macAddress).not.toBe(asked.macAddress)
    expect(book.reserve(network, { endpointId: 'e2', attachment: asked }).macAddress).toBe(asked.macAddress)
  })

  it('lets a freed address rest: the next endpoint gets another', () => {
    const book = bookWith()
    const network = openNetwork(book, { type: 'null' })
    book.reserve(network, { endpointId: 'e1', attachment: attachment() }).release()
    expect(book.reserve(network, { endpointId: 'e2', attachment: attachment() }).addresses).toEqual([
      '10.0.0.3/16',
    ])
  })

  it('goes on in the second subnet when the first is full, and says exhausted when both are', () => {
    const book = bookWith()
    const network = openNetwork(book, {
      type: 'null',
      subnets: [{ subnet: '10.1.0.0/30' }, { subnet: '10.2.0.0/30' }],
    })
    const next = (endpointId: string) => book.reserve(network, { endpointId, attachment: attachment() })
    expect([next('e1').addresses, next('e2').addresses]).toEqual([['10.1.0.2/30'], ['10.2.0.2/30']])
    expect(() => next('e3')).toThrow(expect.objectContaining({ kind: 'addressesExhausted' }))
    expect(book.usage('1').map(({ used, capacity }) => [used, capacity])).toEqual([
      [1, 1],
      [1, 1],
    ])
  })

  it('tells a taken address, one out of range and a taken MAC apart, and leaves nothing reserved', () => {
    const book = bookWith()
    const network = openNetwork(book, { type: 'null', ipv6: true, subnets: [{ subnet: '10.1.0.0/24' }] })
    const ask = (endpointId: string, change: Parameters<typeof attachment>[0]) => () =>
      book.reserve(network, { endpointId, attachment: attachment(change) })
    ask('e1', { addresses: ['10.1.0.9'], macAddress: '02:00:00:00:00:01' })()
    expect(ask('e2', { addresses: ['10.1.0.9'] })).toThrow(expect.objectContaining({ kind: 'addressInUse' }))
    expect(ask('e2', { addresses: ['10.9.0.9'] })).toThrow(
      expect.objectContaining({ kind: 'addressOutOfRange' }),
    )
    expect(ask('e2', { macAddress: '02:00:00:00:00:01' })).toThrow(
      expect.objectContaining({ kind: 'addressInUse' }),
    )
    expect(book.usage('1').map(({ used }) => used)).toEqual([1, 1])
  })

  it('refuses a subnet that meets another network or a route of the machine, but not the default route', () => {
    const book = bookWith(['0.0.0.0/0', '10.5.0.0/24'])
    openNetwork(book, { type: 'null', subnets: [{ subnet: '10.1.0.0/16' }] })
    const choose =
      (subnet: string, internal = false) =>
      () =>
        book.chooseSubnets({ type: 'null', internal, subnets: [{ subnet }] })
    expect(choose('10.1.4.0/24')).toThrow(expect.objectContaining({ kind: 'subnetOverlap' }))
    expect(choose('10.5.0.0/16')).toThrow(expect.objectContaining({ kind: 'subnetOverlap' }))
    expect(choose('10.1.4.0/24', true)()).toEqual([
      expect.not.objectContaining({ gateway: expect.anything() }),
    ])
    expect(choose('10.6.0.0/16')()).toHaveLength(1)
  })

  it('chooses from the pools what neither a network nor a route has', () => {
    const book = bookWith(['10.1.0.0/24'])
    openNetwork(book, { type: 'null' })
    expect(book.chooseSubnets({ type: 'null' }).map(({ subnet }) => subnet)).toEqual(['10.2.0.0/16'])
  })

  it('writes a cursor only where a search went on, and dumps the routes of the machine once for a network', () => {
    let dumps = 0
    const machineRoutes = () => {
      dumps += 1
      return []
    }
    const book = new AddressBook({ pools, machineRoutes })
    const subnets = [{ subnet: '10.1.0.0/16' }, { subnet: '10.2.0.0/16' }]
    const network = openNetwork(book, { type: 'null', subnets, ipv4: true, ipv6: true })
    expect(dumps).toBe(1)
    const written = (endpointId: string, addresses: string[]) =>
      book.reserve(network, { endpointId, attachment: attachment({ addresses }) }).cursors
    const keys = network.subnets.map(({ subnet }) => `1/${subnet}`)
    expect(written('e1', []).map(({ subnetKey }) => subnetKey)).toEqual([keys[0], keys[3]])
    expect(written('e2', ['10.2.0.9'])).toEqual([{ subnetKey: keys[3], cursor: expect.any(String) }])
    expect(written('e3', ['10.2.0.10', `${network.subnets[3]?.gateway}5`])).toEqual([])
  })

  it('is as before after a restart: nothing handed out twice', () => {
    const book = bookWith()
    const network = openNetwork(book, { type: 'null' })
    const { addresses, macAddress, cursors } = book.reserve(network, {
      endpointId: 'e1',
      attachment: attachment(),
    })
    const restarted = bookWith()
    const plan = { name: 'eth0', macAddress, addresses, defaultRoute: true, routes: [] }
    const endpoint: EndpointRecord = {
      id: 'e1',
      networkId: '1',
      handle: 'c',
      attachment: 'a',
      madeBy: 'up',
      order: 1,
      state: 'plugged',
      interface: plan,
      options: {},
      createdAt: '',
    }
    restarted.open(network, {
      endpoints: [endpoint],
      cursors: new Map(cursors.map(({ subnetKey, cursor }) => [subnetKey, cursor])),
    })
    expect(restarted.reserve(network, { endpointId: 'e2', attachment: attachment() }).addresses).toEqual([
      '10.0.0.3/16',
    ])
    expect(() =>
      restarted.reserve(network, { endpointId: 'e3', attachment: attachment({ addresses: ['10.0.0.2'] }) }),
    ).toThrow(expect.objectContaining({ kind: 'addressInUse' }))
  })
})

describe('the addresses of a network of a cluster', () => {
  const own = new Map<string, string[]>()
  const foreign = new Set<string>()
  const blocks = {
    own: (_networkId: string, subnet: string) => own.get(subnet) ?? [],
    foreign: () => foreign,
  }
  const shared: NetworkRecord = {
    id: '1',
    name: 'blue',
    type: 'span',
    state: 'active',
    scope: 'global',
    blockBits: 4,
    labels: {},
    internal: false,
    subnets: [{ family: 4, subnet: '10.1.0.0/24', gateway: '10.1.0.1', exclude: [] }],
    config: {},
    createdAt: '',
    request: '',
  }
  const open = () => {
    const book = new AddressBook({ pools, machineRoutes: () => [], blocks })
    book.open(shared)
    return book
  }

  it('are none that endpoints of other hosts have, though the block is this host’s now', () => {
    own.clear()
    own.set('10.1.0.0/24', ['10.1.0.32'])
    for (const address of ['10.1.0.32', '10.1.0.34', '10.1.0.99', 'fd00::22']) foreign.add(address)
    const book = open()
    foreign.clear()
    const handedOut = Array.from({ length: 14 }, (_, n) => {
      const reserved = book.reserve(shared, { endpointId: `e${n}`, attachment: attachment() })
      return reserved.addresses[0]
    })
    expect(handedOut).not.toContain('10.1.0.32/24')
    expect(handedOut).not.toContain('10.1.0.34/24')
    expect(book.inBlocks('1')?.rooms()).toMatchObject([{ free: 0n }])
    book.inBlocks('1')?.blocksChanged()
    expect(book.inBlocks('1')?.rooms()).toMatchObject([{ free: 2n }])
  })

  it('come from the blocks of this host alone', () => {
    own.clear()
    const book = open()
    const reserve = (endpointId: string) => book.reserve(shared, { endpointId, attachment: attachment() })
    expect(() => reserve('e1')).toThrow(expect.objectContaining({ kind: 'addressesExhausted' }))
    own.set('10.1.0.0/24', ['10.1.0.32', '10.1.0.96'])
    book.inBlocks('1')?.blocksChanged()
    expect(reserve('e1').addresses).toEqual(['10.1.0.32/24'])
    expect(book.inBlocks('1')?.rooms()).toEqual([
      { subnet: '10.1.0.0/24', family: 4, free: 31n, blockSize: 16n, emptyBlocks: ['10.1.0.96'] },
    ])
    expect(book.inBlocks('1')?.foreignSubnetOf('10.1.0.99')).toBeUndefined()
    expect(book.inBlocks('1')?.foreignSubnetOf('10.1.0.2')).toBe('10.1.0.0/24')
  })

  it('are the same after a restart, and the whole subnet is what a client reads of', () => {
    own.set('10.1.0.0/24', ['10.1.0.32'])
    const book = open()
    expect(book.reserve(shared, { endpointId: 'e1', attachment: attachment() }).addresses).toEqual([
      '10.1.0.32/24',
    ])
    expect(book.usage('1')).toEqual([{ subnet: '10.1.0.0/24', used: 1, capacity: 253 }])
  })
})
