import { PolicyRefusal, withoutPath } from '@conet/host/lifecycle/policy-refusal'
import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'

describe('what is wrong with a policy', () => {
  const at = 'networks.blue'
  const about = { fields: [{ path: `${at}.net_in`, message: 'no' }], details: { driver: 'x' }, help: 'ask' }

  it('is told with the path of the policy, or without it to who knows of none; all else is the same', () => {
    const refusal = new PolicyRefusal('invalidArgument', { at, words: 'networks.blue: is my name' }, about)
    expect(ConetError.is(refusal, 'invalidArgument')).toBe(true)
    expect(refusal.message).toBe('networks.blue: networks.blue: is my name')
    expect(withoutPath(refusal)).toMatchObject({
      kind: 'invalidArgument',
      message: 'networks.blue: is my name',
      ...about,
    })
  })

  it('is no other error whose text happens to begin like it', () => {
    const other = new ConetError('internal', `${at}: says something`)
    expect(withoutPath(other)).toBe(other)
  })
})
