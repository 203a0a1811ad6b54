import type { ContainerRecord } from '@conet/host/domain/container'
import { ownPolicyOf, policyFor, withAttachments, withPatch } from '@conet/host/domain/policy'
import { describe, expect, it } from 'vitest'

const attachment = (name: string) => ({ name, networkId: name, addresses: [], options: {} })
const container: ContainerRecord = {
  handle: 'c',
  labels: {},
  attachments: [attachment('one'), attachment('constructor')],
  config: {},
  policies: { one: { rate: 1 } },
  createdAt: '2026-01-01T00:00:00.000Z',
}

describe('the policies of a container', () => {
  it('[B17] change by name: absent keeps, null resets, and without any the record has none', () => {
    const both = withPatch(container, { constructor: { rate: 2 } }, 'networks')
    expect(both.policies).toEqual({ one: { rate: 1 }, constructor: { rate: 2 } })
    expect(withPatch(both, { constructor: null }, 'networks')).toEqual(container)
    expect(withPatch(container, { one: null }, 'networks')).not.toHaveProperty('policies')
  })

  it('[B16] a name that is no attachment is refused with all that are', () => {
    expect(() => withPatch(container, { one: null, two: null, __proto__x: {} }, 'networks')).toThrow(
      expect.objectContaining({
        kind: 'notAttached',
        fields: [expect.objectContaining({ path: 'networks.two' }), expect.anything()],
        details: { unknown: ['two', '__proto__x'], attachments: ['one', 'constructor'] },
      }),
    )
  })

  it('[B18] stand before the default of the network, also for names that every object has', () => {
    const network = { defaultPolicy: { rate: 9 } }
    expect(policyFor(container, 'one', network)).toEqual({ rate: 1 })
    expect(ownPolicyOf(container, 'constructor')).toBeUndefined()
    expect(policyFor(container, 'constructor', network)).toEqual({ rate: 9 })
    expect(policyFor(container, 'constructor', undefined)).toBeUndefined()
  })

  it('end with their attachments', () => {
    expect(withAttachments(container, [attachment('constructor')])).not.toHaveProperty('policies')
    expect(withAttachments(container, [attachment('one')]).policies).toEqual({ one: { rate: 1 } })
  })
})
