import {
  addAddress,
  BatchError,
  createBridge,
  createVeth,
  deleteLink,
  KernelError,
  Rtnl,
  setLink,
} from '@conet/sdk/linux'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inventory, show } from '../../support/iproute.ts'

let rtnl: Rtnl
let before: Record<string, unknown>

beforeEach(() => {
  before = inventory()
  rtnl = Rtnl.open()
})

afterEach(async () => {
  await rtnl.runSlow(deleteLink('br0'), { tolerate: ['ENODEV'] })
  rtnl.close()
  expect(inventory()).toEqual(before)
})

function failureOf(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

describe('one request that the kernel refuses', () => {
  it('names the operation and the errno', () => {
    const error = failureOf(() => rtnl.run(deleteLink('nosuch')))
    expect(KernelError.is(error, 'ENODEV')).toBe(true)
    expect(error).toMatchObject({ operation: 'delete link nosuch', message: 'delete link nosuch: ENODEV' })
  })

  it('carries the kernel’s own message', () => {
    rtnl.run(createBridge({ name: 'br0' }))
    const request = setLink('br0', { mtu: 70_000_000 })
    expect(failureOf(() => rtnl.run(request))).toMatchObject({
      code: 'EINVAL',
      kernelMessage: 'mtu greater than device maximum',
      message: 'set mtu of link br0: mtu greater than device maximum (EINVAL)',
    })
  })

  it('is EEXIST when the name of a veth is taken', () => {
    rtnl.run(createBridge({ name: 'br0' }))
    const error = failureOf(() => rtnl.run(createVeth({ name: 'br0', peer: { name: 'p0' } })))
    expect(KernelError.is(error, 'EEXIST')).toBe(true)
  })

  it('counts as success when its code is tolerated, and the next request is not confused', () => {
    rtnl.run(deleteLink('nosuch'), { tolerate: ['ENODEV'] })
    expect(rtnl.existingLink('lo').index).toBe(1)
  })

  it('fails the same way on the thread pool', async () => {
    await expect(rtnl.runSlow(deleteLink('nosuch'))).rejects.toMatchObject({
      code: 'ENODEV',
      operation: 'delete link nosuch',
    })
  })
})

describe('a batch with a bad request in the middle', () => {
  it('says which it was and that the others were done', () => {
    const { index: link } = rtnl.create(createBridge({ name: 'br0', up: true }))
    const requests = [
      addAddress({ link, address: '10.5.0.1/24' }),
      addAddress({ link, address: '10.5.0.1/24' }),
      addAddress({ link, address: '10.5.0.2/24' }),
    ]
    const error = failureOf(() => rtnl.batch(requests))
    if (!(error instanceof BatchError)) throw error
    expect(error).toMatchObject({
      code: 'EEXIST',
      operation: `add address 10.5.0.1/24 to link ${link}`,
      attempted: 3,
    })
    expect([...error.failures.keys()]).toEqual([1])
    expect(requests.map((_, index) => error.wasDone(index))).toEqual([true, false, true])
    expect(show('ip -4 address show br0').flatMap(({ addr_info: found }) => found)).toHaveLength(2)
  })

  it('does not hand on what comes after the send in which it failed', () => {
    const { index: link } = rtnl.create(createBridge({ name: 'br0' }))
    const requests = Array.from({ length: 1500 }, (_, number) =>
      addAddress({ link, address: number === 3 ? '10.5.0.0/32' : `10.5.${number >> 8}.${number & 255}/32` }),
    )
    const error = failureOf(() => rtnl.batch(requests))
    if (!(error instanceof BatchError)) throw error
    expect([...error.failures.keys()]).toEqual([3])
    expect(error.attempted).toBeLessThan(1500)
    expect(error.wasDone(1499)).toBe(false)
    expect(rtnl.addresses({ link })).toHaveLength(error.attempted - 1)
  })

  it('survives a thousand failures in one send', () => {
    const requests = Array.from({ length: 1000 }, (_, number) => deleteLink(`nosuch${number}`))
    const error = failureOf(() => rtnl.batch(requests))
    if (!(error instanceof BatchError)) throw error
    expect(error.failures.size).toBe(1000)
    expect(error.failures.get(999)?.operation).toBe('delete link nosuch999')
  })
})

describe('what is wrong before the kernel sees it', () => {
  it.each(['', 'sixteen-bytes-xy', 'a/b', 'a:b', 'a b', '.', '..', 'a\n', 'veth%d', 'ünïcödë-namés'])(
    'the interface name %j is refused',
    (name) => {
      expect(() => createBridge({ name })).toThrow(TypeError)
      expect(() => deleteLink(name)).toThrow(/^interface name/)
    },
  )

  it.each([0, -1, 1.5, Number.NaN, 2 ** 31])('the interface index %d is refused', (index) => {
    expect(() => deleteLink(index)).toThrow(TypeError)
    expect(() => addAddress({ link: index, address: '10.0.0.1/8' })).toThrow(TypeError)
  })
})

it('a closed client says so', () => {
  const other = Rtnl.open()
  other.close()
  other.close()
  expect(() => other.links()).toThrow('closed')
})
