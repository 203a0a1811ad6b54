import { describe, expect, it } from 'vitest'
import { AddressHistory } from '../../../sdk/dist/bridge-network/address-history.js'

const macAddress = '02:42:0a:00:00:02'
const few = { macAddress, members: 10 }
const many = { macAddress, members: 1000 }

/** Whether a plug of these announces them, one that succeeds. */
function plug(history: AddressHistory, addresses: string[], { macAddress, members }: typeof many): boolean {
  const isAnnounced = history.mayMatter(addresses, { macAddress, members })
  history.note(addresses, macAddress)
  return isAnnounced
}

describe('announcements of a plug', () => {
  it('are always made in a small network', () => {
    const history = new AddressHistory({ isWhole: true })
    expect([plug(history, ['10.0.0.2/16'], few), plug(history, ['10.0.0.2/16'], few)]).toEqual([true, true])
  })

  it('are left out in a large one where nobody can remember the address otherwise', () => {
    const history = new AddressHistory({ isWhole: true })
    expect([plug(history, ['10.0.0.2/16'], many), plug(history, ['10.0.0.2/16'], many)]).toEqual([
      false,
      false,
    ])
  })

  it('are made when an address comes back with another MAC, one of several too', () => {
    const history = new AddressHistory({ isWhole: true })
    plug(history, ['10.0.0.2/16', 'fd00::2/64'], many)
    const other = { ...many, macAddress: '02:42:0a:00:00:03' }
    expect(plug(history, ['10.0.0.3/16', 'fd00::2/64'], other)).toBe(true)
  })

  it('are made for what the process knows nothing of: the network is older than it', () => {
    const history = new AddressHistory({ isWhole: false })
    expect([plug(history, ['10.0.0.2/16'], many), plug(history, ['10.0.0.2/16'], many)]).toEqual([
      true,
      false,
    ])
  })

  it('are made by the plug that succeeds after one that failed', () => {
    const history = new AddressHistory({ isWhole: false })
    expect(history.mayMatter(['10.0.0.2/16'], many)).toBe(true)
    expect(plug(history, ['10.0.0.2/16'], many)).toBe(true)
  })

  it('remember a bounded number of addresses', () => {
    const history = new AddressHistory({ isWhole: false })
    for (let n = 0; n < 131_072; n++) plug(history, [`fd00::${n.toString(16)}/64`], many)
    expect(plug(history, ['fd00::0/64'], many)).toBe(true)
    expect(plug(history, ['fd00::10000/64'], many)).toBe(false)
  })
})

describe('an address', () => {
  it('was never used where the network is as old as the process, and nobody has had it', () => {
    const history = new AddressHistory({ isWhole: true })
    plug(history, ['10.0.0.2/16'], many)
    const areUsed = [['10.0.0.2/16'], ['10.0.0.3/16'], ['10.0.0.3/16', '10.0.0.2/16']]
    expect(areUsed.map((addresses) => history.mayBeUsed(addresses))).toEqual([true, false, true])
    expect(new AddressHistory({ isWhole: false }).mayBeUsed(['10.0.0.3/16'])).toBe(true)
  })

  it('may have been used once so many were that some are forgotten', () => {
    const history = new AddressHistory({ isWhole: true })
    for (let n = 0; n < 131_071; n++) plug(history, [`fd00::${n.toString(16)}/64`], many)
    expect(history.mayBeUsed(['fd00::ffff:ffff/64'])).toBe(false)
    plug(history, ['fd00::ffff:0/64'], many)
    expect(history.mayBeUsed(['fd00::0/64'])).toBe(true)
  })
})
