// Documents of users: handed to the driver as they are, refused by the driver's own schemas before it is called.
import { describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'

const document = { snake_case: 1, camelCase: { 'dash-ed': [null, true, 'ü'] } }

describe("a network's documents", () => {
  it('[B6] reach the driver untouched: config and default policy', async () => {
    await using fixture = await ConetdFixture.start()
    const driver = await fixture.startFakeDriver({})
    await fixture.client.createNetwork({
      type: 'fake',
      name: 'n',
      config: document,
      default_policy: document,
    })
    const [created] = driver.records().filter(({ method }) => method === 'network/create')
    expect(created?.params).toMatchObject({ network: { config: document, defaultPolicy: document } })
    await fixture.client.deleteNetwork('n')
  })

  it("[B6] are refused in the words of the driver's schemas, naming the field, and nothing is made", async () => {
    await using fixture = await ConetdFixture.start()
    const schema = { type: 'object', properties: { snake_case: { type: 'string' } } }
    const driver = await fixture.startFakeDriver({
      plan: { schemas: { configSchema: schema, policySchema: schema } },
    })
    for (const field of ['config', 'default_policy']) {
      const call = fixture.client.createNetwork({ type: 'fake', name: 'n', [field]: document })
      await expect(call).rejects.toMatchObject({
        kind: 'invalidArgument',
        fields: [{ path: `${field}.snake_case`, message: 'must be text; found 1' }],
      })
    }
    expect(driver.calls()).not.toContain('network/create')
    expect((await fixture.client.listNetworks()).networks).toEqual([])
  })
})
