import { portWishesOf } from '@conet/host/ports/index'
import { expect, it } from 'vitest'

it('an element has defaults for whatever it leaves out', () => {
  expect(portWishesOf({ net_in: [{}] }, 'net_in', 'p')).toEqual([
    { protocol: 'tcp', hostPort: 0, containerPort: 0, count: 1 },
  ])
  const address = { protocol: 'udp', host_port: 53, host_address: '2001:db8::0:1' }
  expect(portWishesOf({ net_in: [address] }, 'net_in', 'p')).toMatchObject([{ hostAddress: '2001:db8::1' }])
  const allOfIPv4 = { host_address: '0.0.0.0' }
  expect(portWishesOf({ net_in: [allOfIPv4] }, 'net_in', 'p')).toMatchObject([{ hostAddress: '0.0.0.0' }])
})

it('a document without the member asks for nothing, also where every object inherits one of that name', () => {
  expect(portWishesOf({}, 'net_in', 'p')).toEqual([])
  expect(portWishesOf({}, 'constructor', 'p')).toEqual([])
})

it('the same port of two protocols or of two addresses, and any number from the pool, are apart', () => {
  const apart = [
    { host_port: 80, host_address: '192.0.2.1' },
    { host_port: 80, host_address: '192.0.2.2' },
    { host_port: 80, protocol: 'udp' },
    ...[{}, {}],
  ]
  expect(portWishesOf({ net_in: apart }, 'net_in', 'p')).toHaveLength(5)
})

it.each([
  [{}, 'policy.net_in', 'must be a list'],
  [[{ protocol: 'icmp' }], 'policy.net_in[0].protocol', ''],
  [[{}, { host_port: 70_000 }], 'policy.net_in[1].host_port', ''],
  [[{ host_port: 65_535, count: 2 }], 'policy.net_in[0].host_port', 'would end above 65535'],
  [[{ container_port: 65_535, count: 2 }], 'policy.net_in[0].container_port', 'would end above 65535'],
  [[{ host_address: 'eth0' }], 'policy.net_in[0].host_address', ''],
  [[{ port: 1 }], 'policy.net_in[0].port', ''],
  [[{ host_port: 80 }, { host_port: 80 }], 'policy.net_in[1].host_port', 'maps tcp 80 already'],
  [[{ host_port: 80, count: 3 }, {}, { host_port: 82 }], 'policy.net_in[2].host_port', 'maps tcp 82 already'],
  [
    [
      { host_port: 80, host_address: '192.0.2.1' },
      { host_port: 80, host_address: '0.0.0.0' },
    ],
    'policy.net_in[1].host_port',
    'maps tcp 80 already',
  ],
])('%j is refused at %s', (member, path, message) => {
  expect(() => portWishesOf({ net_in: member }, 'net_in', 'policy')).toThrow(
    expect.objectContaining({
      kind: 'invalidArgument',
      fields: [{ path, message: expect.stringContaining(message) }],
    }),
  )
})
