import type { EndpointRecord } from '@conet/host/domain/endpoint'
import { CutOffContainers, inAnyWay } from '@conet/host/lifecycle/cut-off-containers'
import { describe, expect, it } from 'vitest'

function endpoint(handle: string, attachment: string): EndpointRecord {
  return {
    id: `${handle}-${attachment}`,
    networkId: 'n1',
    handle,
    attachment,
    madeBy: 'up',
    order: 1,
    state: 'plugged',
    interface: {
      name: 'eth0',
      macAddress: '02:00:00:00:00:01',
      addresses: ['10.1.0.2/24'],
      defaultRoute: true,
      routes: [],
    },
    options: {},
    createdAt: '2026-01-01T00:00:00.000Z',
  }
}

function cutOffAre(...endpoints: EndpointRecord[]): CutOffContainers {
  const cutOff = new CutOffContainers()
  for (const one of endpoints) cutOff.add(one)
  return cutOff
}

describe('what a container was cut off from', () => {
  it('is known with its addresses, until it is plugged again', () => {
    const cutOff = cutOffAre(endpoint('web', 'blue'), endpoint('web', 'red'))
    expect(cutOff.of('web', 'blue')?.addresses).toEqual(['10.1.0.2'])
    cutOff.done('web', 'blue')
    expect(cutOff.of('web', 'blue')).toBeUndefined()
    expect(cutOff.handles).toEqual(['web'])
    cutOff.done('web', 'red')
    expect(cutOff.handles).toEqual([])
  })

  it('is forgotten when the container is taken down; that of others is not', () => {
    const cutOff = cutOffAre(endpoint('web', 'blue'), endpoint('web', 'red'), endpoint('db', 'blue'))
    cutOff.forget('web')
    expect(cutOff.handles).toEqual(['db'])
  })

  it('is forgotten when it is there again, or no longer wanted', () => {
    const cutOff = cutOffAre(endpoint('web', 'blue'), endpoint('web', 'red'))
    cutOff.keepIf('web', (attachment) => attachment === 'red')
    expect(cutOff.of('web', 'blue')).toBeUndefined()
    expect(cutOff.of('web', 'red')).toBeDefined()
    cutOff.keepIf('web', () => false)
    expect(cutOff.handles).toEqual([])
  })
})

describe('an interface that somebody wants in any way', () => {
  const plain = { name: 'blue', networkId: 'n1', addresses: [], options: {} }
  const addresses = ['10.1.0.2']
  const macAddress = '02:00:00:00:00:01'

  it('is asked for as it is configured, then for less, and never twice for the same', () => {
    expect(inAnyWay(plain)).toEqual([plain])
    expect(inAnyWay({ ...plain, addresses })).toEqual([{ ...plain, addresses }, plain])
    expect(inAnyWay({ ...plain, macAddress })).toEqual([{ ...plain, macAddress }, plain])
    expect(inAnyWay({ ...plain, addresses, macAddress })).toEqual([
      { ...plain, addresses, macAddress },
      { ...plain, macAddress },
      plain,
    ])
  })
})
