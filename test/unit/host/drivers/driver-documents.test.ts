import { DriverDocuments } from '@conet/host/drivers/driver-documents'
import { IsolatedChecks } from '@conet/host/drivers/isolated-checks'
import { describe, expect, it } from 'vitest'

class NoThreads extends IsolatedChecks {
  override async run(): Promise<never> {
    throw new Error('a thread was asked for')
  }
}

function documentsWith(pattern: string): DriverDocuments {
  const policySchema = { type: 'object', additionalProperties: { type: 'string', pattern } }
  return new DriverDocuments('acme', { policySchema }, new NoThreads())
}

describe('a document', () => {
  it.each(['^[0-9a-f.:]{2,45}$', '^[^/]+$', '^[a-z]$', '^[0-9]{3,}$', '^[-a-z]+$'])(
    'is checked without a thread against %s, which can match in one way only',
    async (pattern) => {
      const documents = documentsWith(pattern)
      await expect(documents.check('policy', { one: '/'.repeat(100) }, 'policy')).rejects.toMatchObject({
        fields: [{ path: 'policy.one' }],
      })
    },
  )

  it.each([
    '^(a+)+$',
    '^[a]+[a]+$',
    '[a]+$',
    '^[a]+',
    '^(?:[a])+$',
    '^[a]+$|b',
    '^[a\\]+]+$',
    '^a[a]+$',
    '^[a]+(?=b)$',
  ])('is not checked without a thread against %s', async (pattern) => {
    const documents = documentsWith(pattern)
    await expect(documents.check('policy', { one: 'aa' }, 'policy')).rejects.toThrow('a thread was asked for')
  })
})
