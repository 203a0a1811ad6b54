// What an author writes in a driver, as it arrives: a log line in the log of conetd, an error at the client of the API.
import { readFileSync } from 'node:fs'
import { ConetError } from '@conet/sdk/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import type { FakeBehaviour } from '../support/fake-driver-plan.ts'

let fixture: ConetdFixture
let driver: FakeDriver

beforeAll(async () => {
  fixture = await ConetdFixture.start()
  driver = await fixture.startFakeDriver()
})
afterAll(() => fixture?.[Symbol.asyncDispose]())

function createNetwork(behaviour: FakeBehaviour) {
  driver.plan({ methods: { 'network/create': behaviour } })
  return fixture.client.createNetwork({ name: 'lab', type: 'fake' })
}

function logLines(): Record<string, unknown>[] {
  const lines = readFileSync(fixture.conetd.logFile, 'utf8').split('\n')
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
}

describe('a log line of a driver', () => {
  it('is in the log of the host with its level, its fields, the driver, the object and the operation', async () => {
    const logs = { level: 'warn', message: 'the controller is slow', fields: { afterMs: 812 } } as const
    const { id } = await createNetwork({ logs })
    const record = driver.records().find(({ method }) => method === 'network/create')
    await eventually(() => {
      const line = logLines().find(({ msg }) => JSON.stringify(msg).includes(logs.message))
      expect(line).toMatchObject({ level: 40, driver: 'fake' })
      expect(JSON.stringify(line)).toContain('"afterMs":812')
      expect(JSON.stringify(line)).toContain(`"networkId":"${id}"`)
      expect(JSON.stringify(line)).toContain(`"operationId":"${record?.operationId}"`)
    })
    await fixture.client.deleteNetwork('lab')
  })
})

describe('an error that a driver throws', () => {
  it('reaches the client with its kind, code, message, fields, details, remedy and state', async () => {
    const error = {
      kind: 'backendUnavailable',
      message: 'create network: the controller does not answer',
      fields: [{ path: 'config.controller', message: 'must be one that answers' }],
      details: { controller: '10.0.0.9', tries: 3 },
      help: 'see whether wire-controller runs',
      operationState: 'not-started' as const,
    }
    const failure = await failureOf(createNetwork({ error }))
    const { kind, code, message, retryable, fields, details, help, operationState } = failure
    expect({ kind, message, fields, details, help, operationState }).toEqual(error)
    expect({ code, retryable }).toEqual({ code: 1106, retryable: true })
    expect((await fixture.client.listNetworks()).networks).toEqual([])
  })

  it('says nothing of its inner life when it is a bug: the text is in the driver’s own log', async () => {
    const failure = await failureOf(createNetwork({ bug: 'secret of the author' }))
    expect(failure.kind).toBe('internal')
    expect(JSON.stringify({ ...failure, message: failure.message })).not.toContain('secret')
    expect(driver.program.stderr).toContain('secret of the author')
  })
})

async function failureOf(promise: Promise<unknown>): Promise<ConetError> {
  const outcome: unknown = await promise.catch((error: unknown) => error)
  if (ConetError.is(outcome)) return outcome
  throw new Error(`expected a ConetError, not ${JSON.stringify(outcome)}`)
}
