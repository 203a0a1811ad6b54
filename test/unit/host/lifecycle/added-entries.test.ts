import { aboutAdded, namingContainer } from '@conet/host/lifecycle/added-entries'
import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'

const port = (host_port: number) => ({ host_port, container_port: 80 })
const container = {
  handle: 'web',
  labels: {},
  attachments: [{ name: 'blue', networkId: 'blue', addresses: [], options: {} }],
  config: {},
  policyAdditions: { blue: { net_in: [port(1), port(2), port(3)], net_out: [{ protocol: 1 }] } },
  createdAt: '2026-01-01T00:00:00.000Z',
}
// The first of the three is the default's too: the composed policy has it once.
const network = { defaultPolicy: { net_in: [port(1)], net_out: [{ action: 'deny' }] } }
const place = { container, attachment: 'blue', network }

function refusal(path: string): ConetError {
  return new ConetError('portInUse', `${path}: taken`, { fields: [{ path, message: 'taken' }] })
}

describe('a fault in a default policy behind which a runtime has added entries', () => {
  it('is the container’s where it is in what was added', () => {
    expect(
      namingContainer(refusal('default_policy.net_in[2].host_port'), place, 'default_policy'),
    ).toMatchObject({
      kind: 'portInUse',
      message: 'container web, added by its runtime: net_in[2].host_port: taken',
      fields: [
        {
          path: 'default_policy',
          message: 'container web, added by its runtime: net_in[2].host_port: taken',
        },
      ],
      details: { container: 'web' },
      help: 'what it has shows: conet container policy web',
    })
    expect(namingContainer(refusal('default_policy.net_out[1]'), place, 'default_policy')).toMatchObject({
      message: 'container web, added by its runtime: net_out[0]: taken',
    })
  })

  it('is that of the default in its own entries, and of others where there are no additions', () => {
    for (const path of ['default_policy.net_in[0]', 'default_policy.limits', 'default_policy.net_in[9]']) {
      const error = refusal(path)
      expect(namingContainer(error, place, 'default_policy')).toBe(error)
    }
    const error = refusal('default_policy.net_in[1]')
    const { policyAdditions: _none, ...plain } = container
    expect(namingContainer(error, { ...place, container: plain }, 'default_policy')).toBe(error)
    const other = new Error('default_policy.net_in[1]')
    expect(namingContainer(other, place, 'default_policy')).toBe(other)
  })

  it('is told by its places in the composed policy and among the additions', () => {
    const told = aboutAdded(
      refusal('policy.net_in[1].host_port'),
      place,
      ({ member, place: at, index }) => `${member} ${at} ${index}`,
    )
    expect(told.message).toBe('net_in 1 1.host_port: taken')
  })
})
