// What two attachments of one container cannot both have.
import { type Attachment, assertDistinct, takenClaims } from '@conet/host/domain/container'
import { expect, it } from 'vitest'

const placed = (...wishes: Partial<Attachment>[]) =>
  wishes.map((wish, index) => ({
    attachment: { name: `n${index}`, networkId: 'blue', addresses: [], options: {}, ...wish },
    at: `attach_to[${index}]`,
  }))

it.each<[string, Partial<Attachment>, string, string]>([
  ['name', { name: 'x' }, 'name', 'name'],
  ['interface', { interface: 'lan0' }, 'interface', 'interface'],
  ['default route', { defaultRoute: true }, 'default_route', 'default_route'],
  ['place as the primary one', { primary: true }, 'primary', 'primary'],
  ['MAC in one network', { macAddress: '02:42:0a:00:00:02' }, 'mac_address', 'mac_address'],
  ['address', { addresses: ['10.0.0.2'] }, 'addresses[0]', 'addresses[0]'],
])('the same %s is refused, and both places are named', (_what, wish, first, second) => {
  expect(() => assertDistinct('c', placed(wish, {}, wish))).toThrow(
    expect.objectContaining({
      kind: 'invalidArgument',
      message: expect.stringContaining(`(the first: attach_to[0].${first})`),
      fields: [expect.objectContaining({ path: `attach_to[2].${second}` })],
    }),
  )
})

it('an address is refused wherever it stands, and in another network', () => {
  const one = { addresses: ['10.0.0.2', 'fd00::2'] }
  const other = { addresses: ['10.0.0.3', 'fd00::3', 'fd00::2'], networkId: 'red' }
  expect(() => assertDistinct('c', placed(one, other))).toThrow(
    'attach_to[1].addresses[2]: a second attachment asks for fd00::2 (the first: attach_to[0].addresses[1])',
  )
})

it('what is distinct passes, also the same MAC in two networks', () => {
  const macAddress = '02:42:0a:00:00:02'
  assertDistinct(
    'c',
    placed({ macAddress }, { macAddress, networkId: 'red' }, {}, { defaultRoute: false }, {}),
  )
})

it('of several that want the same all but the first are named, each with what it wants', () => {
  const macAddress = '02:42:0a:00:00:02'
  const wish = { addresses: ['10.0.0.2'], macAddress, primary: true }
  expect(takenClaims([...placed(wish, {}, wish), { attachment: { name: 'n1' }, at: 'new' }])).toMatchObject([
    { at: 'attach_to[2]', field: 'primary', first: { at: 'attach_to[0]', field: 'primary' } },
    { at: 'attach_to[2]', field: 'addresses[0]', what: 'asks for 10.0.0.2' },
    { at: 'attach_to[2]', field: 'mac_address' },
    { at: 'new', field: 'name', what: 'is named n1', first: { at: 'attach_to[1]', field: 'name' } },
  ])
})
