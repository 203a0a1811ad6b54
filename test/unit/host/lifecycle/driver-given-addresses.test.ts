import type { EndpointRecord } from '@conet/host/domain/endpoint'
import type { NetworkRecord } from '@conet/host/domain/network'
import { AddressBook } from '@conet/host/lifecycle/address-book'
import { describe, expect, it } from 'vitest'

const pools = { ipv4: [{ base: '10.0.0.0/8', size: 16 }], ipv6: [{ base: 'fd00:1::/48', size: 64 }] }

function openBook(endpoints: readonly EndpointRecord[] = [], subnets: { subnet: string }[] = []) {
  const book = new AddressBook({ pools, machineRoutes: () => [] })
  const network: NetworkRecord = {
    id: '1',
    name: 'lab',
    type: 'weave',
    state: 'active',
    labels: {},
    internal: false,
    subnets: book.chooseSubnets({
      type: 'weave',
      ipam: 'driver',
      ...(subnets.length > 0 && { subnets }),
    }),
    ipam: 'driver',
    config: {},
    createdAt: '',
    request: '',
  }
  book.open(network, { endpoints, cursors: new Map() })
  const attachment = { name: 'a', networkId: '1', addresses: [], options: {} }
  const given = (endpointId: string, addresses: string[] | undefined, requested: string[] = []) =>
    book.adopt({ networkId: '1', endpointId, driver: 'weave', addresses, requested })
  return { book, network, attachment, given }
}

const violation = (path: string) =>
  expect.objectContaining({ kind: 'protocolViolation', fields: [expect.objectContaining({ path })] })

describe('the addresses of a network whose driver hands them out', () => {
  it('need no subnet of the pools', () => {
    expect(openBook().network.subnets).toEqual([])
    expect(openBook([], [{ subnet: '10.7.0.0/16' }]).network.subnets).toMatchObject([
      { subnet: '10.7.0.0/16' },
    ])
  })

  it('are the driver’s; the MAC is the host’s', () => {
    const { book, network, attachment, given } = openBook([], [{ subnet: '10.7.0.0/24' }])
    const reservation = book.reserve(network, { endpointId: 'e1', attachment })
    expect(reservation).toMatchObject({ addresses: [], macAddress: expect.stringMatching(/^[0-9a-f]{2}:/) })
    expect(given('e1', ['10.7.0.9/24', 'fd00::0:9/64'], ['10.7.0.9'])).toEqual([
      '10.7.0.9/24',
      'fd00::0:9/64',
    ])
    expect(given('e1', ['10.7.0.9/24'])).toEqual(['10.7.0.9/24'])
    expect(book.usage('1')).toEqual([{ subnet: '10.7.0.0/24', used: 1, capacity: 253 }])
    book.release('e1')
    expect(book.usage('1')).toMatchObject([{ used: 0 }])
  })

  it('are refused when they are missing, none, there twice, or not those that were asked for', () => {
    const { given } = openBook()
    expect(() => given('e1', undefined)).toThrow(violation('addresses'))
    expect(() => given('e1', ['10.7.0.9'])).toThrow(violation('addresses[0]'))
    expect(() => given('e1', ['10.7.0.9/33'])).toThrow(violation('addresses[0]'))
    expect(() => given('e1', ['fd00::9/64', 'fd00:0::9/64'])).toThrow(violation('addresses[1]'))
    expect(() => given('e1', ['10.7.0.9/24'], ['10.7.0.8'])).toThrow(violation('addresses'))
    expect(given('e1', ['10.7.0.9/24'])).toEqual(['10.7.0.9/24'])
  })

  it('have one holder each, also over a restart', () => {
    const { book, network, attachment, given } = openBook()
    const { macAddress } = book.reserve(network, { endpointId: 'e1', attachment })
    given('e1', ['10.7.0.9/24'])
    expect(() => given('e2', ['10.7.0.9/16'])).toThrow(violation('addresses[0]'))
    const endpoint: EndpointRecord = {
      id: 'e1',
      networkId: '1',
      handle: 'c',
      attachment: 'a',
      madeBy: 'up',
      order: 1,
      state: 'plugged',
      interface: { name: 'eth0', macAddress, addresses: ['10.7.0.9/24'], defaultRoute: true, routes: [] },
      options: {},
      createdAt: '',
    }
    const after = openBook([endpoint])
    expect(() => after.given('e2', ['10.7.0.9/24'])).toThrow(violation('addresses[0]'))
    expect(() =>
      after.book.reserve(network, { endpointId: 'e2', attachment: { ...attachment, macAddress } }),
    ).toThrow(expect.objectContaining({ kind: 'addressInUse' }))
    after.book.release('e1')
    expect(after.given('e2', ['10.7.0.9/24'])).toEqual(['10.7.0.9/24'])
  })
})
