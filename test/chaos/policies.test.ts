// conetd is killed while policies change: after the start all of them are the former ones or all are the new ones, and
// every driver was told of those on record.
import { hostFailpoints } from '@conet/host/lifecycle/failpoints'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import type { FakePlan } from '../support/fake-driver-plan.ts'

const offers = ['endpoint/policy'] as const
const schemas = { policySchema: { type: 'object' }, ports: { policyMember: 'net_in' } }
const former = { rate: 1, net_in: [{ container_port: 80 }] }
const next = { rate: 2, net_in: [{ container_port: 80 }, { protocol: 'udp' }] }
const refusing: FakePlan['methods'] = {
  'endpoint/policy': {
    error: { kind: 'kernelRefused', message: 'no', operationState: 'not-started' },
    only: '"rate":2',
  },
}

let fixture: ConetdFixture
const fakes: FakeDriver[] = []

beforeAll(async () => {
  fixture = await ConetdFixture.start()
  for (const name of ['one', 'two'])
    fakes.push(await fixture.startFakeDriver({ name, plan: { schemas, offers } }))
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
afterEach(async () => {
  for (const fake of fakes) fake.plan({ schemas, offers })
  fixture.arm('conetd')
  await fixture.removeEverything()
})

async function prepare(): Promise<void> {
  for (const type of ['one', 'two'])
    await fixture.client.createNetwork({ name: type, type, default_policy: former })
  await fixture.client.putContainerConfig('c', { attach_to: ['one', 'two'] })
  await fixture.client.up('c')
}

const steps = {
  container: () => fixture.client.putContainerPolicy('c', { networks: { one: next, two: next } }),
  pending: async () => {
    await fixture.client.down('c')
    return fixture.client.putContainerPolicy('c', { networks: { one: next, two: next } })
  },
  default: () => fixture.client.putDefaultPolicy('one', next),
}

const crashes = [
  ['host:policy:before-apply', 'container', former, {}],
  ['host:policy:applied', 'container', former, {}],
  ['host:policy:put-back', 'container', former, refusing],
  ['host:policy:before-outcome', 'container', former, {}],
  ['host:policy:before-outcome', 'pending', former, {}],
  ['host:policy:after-outcome', 'container', next, {}],
  ['host:policy:after-outcome', 'pending', next, {}],
  ['host:policy:before-default', 'default', former, {}],
  ['host:policy:after-default', 'default', next, {}],
] as const

it.each(crashes)('at %s, while the policy of a %s changes', async (failpoint, kind, expected, methods) => {
  await prepare()
  fakes[1]?.plan({ schemas, offers, methods })
  fixture.arm('conetd', failpoint)
  await expect(steps[kind]()).rejects.toMatchObject({ kind: 'hostUnavailable' })
  await fixture.conetd.stop('SIGKILL')
  fixture.arm('conetd')
  await fixture.start()
  await eventually(() => expectAgreement(kind === 'default' ? ['one'] : ['one', 'two'], expected))
  fakes[1]?.plan({ schemas, offers })
  await steps[kind]()
  await steps[kind]()
  await fixture.client.up('c')
  await expectAgreement(kind === 'default' ? ['one'] : ['one', 'two'], next)
})

it('at every failpoint of policies', () => {
  const reached = new Set<string>(crashes.map(([failpoint]) => failpoint))
  const all = hostFailpoints.filter((name) => name.startsWith('host:policy:'))
  expect(all.filter((name) => !reached.has(name))).toEqual([])
})

/** What the API shows is what drivers were told last, and no port belongs to two. */
async function expectAgreement(attachments: readonly string[], expected: object): Promise<void> {
  const { effective } = await fixture.client.getContainerPolicy('c')
  const ports = Object.values(effective).flatMap(({ mapped_ports: mapped }) => mapped)
  expect(new Set(ports.map(({ protocol, host_port: port }) => `${protocol} ${port}`)).size).toBe(ports.length)
  for (const attachment of attachments) {
    const shown = effective[attachment]
    expect(shown?.policy).toEqual(expected)
    if (shown?.state !== 'in_force') continue
    const told = lastTold(fakes[attachment === 'one' ? 0 : 1])
    expect(told?.policy).toEqual(expected)
    expect(told?.portMappings?.map(({ hostPort }) => hostPort)).toEqual(
      shown.mapped_ports.map(({ host_port: port }) => port),
    )
  }
}

type Told = { container?: object; policy?: object; portMappings?: { hostPort: number }[] }

function lastTold(fake: FakeDriver | undefined): Told | undefined {
  const params = (fake?.records() ?? []).flatMap((record) =>
    record.event === 'end' ? [record.params as Told] : [],
  )
  return params.filter(({ container }) => container !== undefined).at(-1)
}
