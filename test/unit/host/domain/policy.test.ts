import type { ContainerRecord } from '@conet/host/domain/container'
import {
  additionsOf,
  ownPolicyOf,
  policyFor,
  withAdditions,
  withAttachments,
  withMore,
  withoutAdditions,
  withPatch,
} from '@conet/host/domain/policy'
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

  it('[B22] have what a runtime added behind them, of which nothing is on record where it adds nothing', () => {
    const port = (host_port: number) => ({ host_port, container_port: 80 })
    const numbered = withMore(container, 'one', { net_in: [port(9000)] })
    expect(numbered).toMatchObject({ policyAdditions: { one: { net_in: [port(9000)] } } })
    expect(withAdditions(container, 'one', { net_in: [], net_out: [] })).toBe(container)
    expect(withMore(numbered, 'one', { net_in: [port(9000)] })).toBe(numbered)
    expect(withoutAdditions(container)).toBe(container)
    const more = withMore(withMore(numbered, 'one', { net_in: [port(0)] }), 'one', { net_in: [port(9001)] })
    const added = { net_in: [port(9000), port(9001), port(0)] }
    expect(additionsOf(more, 'one')).toEqual(added)
    expect(policyFor(more, 'one', undefined)).toEqual({ rate: 1, ...added })
    expect(withoutAdditions(more)).toEqual(container)
    expect(withPatch(more, { one: null }, 'networks')).not.toHaveProperty('furtherPorts')
  })
})
