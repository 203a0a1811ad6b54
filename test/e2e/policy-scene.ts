// Drivers that take policies and one that does not, and containers whose policies are set: what the tests of policies and
// of the ports that these ask for begin with.
import { ConetdFixture } from '../support/conetd-fixture.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import type { FakeBehaviour, FakePlan } from '../support/fake-driver-plan.ts'

const schemas = {
  policySchema: {
    type: 'object',
    properties: { rate: { type: 'integer' }, net_in: { type: 'array' } },
    additionalProperties: false,
  },
  ports: { policyMember: 'net_in' },
}
const offers = ['endpoint/policy'] as const

export const planOf = (
  methods: FakePlan['methods'] = {},
  more: readonly 'policy/check'[] = [],
): FakePlan => ({
  ...{ schemas, methods, offers: [...offers, ...more] },
})
export const failing = (behaviour: FakeBehaviour): FakePlan => planOf({ 'endpoint/policy': behaviour })
export const refused: FakeBehaviour = {
  error: { kind: 'kernelRefused', message: 'no', operationState: 'not-started' },
}

/** A document for drivers that publish no schema. */
export const some = { some: 'bridge-policy' }

type Document = Record<string, unknown>

export class PolicyScene implements AsyncDisposable {
  readonly fixture: ConetdFixture
  readonly first: FakeDriver
  readonly second: FakeDriver
  /** Takes no policies. */
  readonly plain: FakeDriver

  private constructor(fixture: ConetdFixture, first: FakeDriver, second: FakeDriver, plain: FakeDriver) {
    this.fixture = fixture
    this.first = first
    this.second = second
    this.plain = plain
  }

  static async start(): Promise<PolicyScene> {
    const config = { ports: { start: 64_000, size: 8 } }
    const fixture = await ConetdFixture.start({ drivers: ['null'], config })
    const start = (name: string, plan?: FakePlan) => fixture.startFakeDriver({ name, ...(plan && { plan }) })
    return new PolicyScene(
      fixture,
      await start('first', planOf()),
      await start('second', planOf()),
      await start('plain'),
    )
  }

  async clear(): Promise<void> {
    this.first.plan(planOf())
    this.second.plan(planOf())
    await this.fixture.removeEverything()
  }

  network(name: string, type: string, default_policy?: Document) {
    const body = { name, type, ...(default_policy && { default_policy }) }
    return this.fixture.client.createNetwork(body)
  }

  /** A container in networks of that name, which is up. */
  async running(handle: string, ...networks: string[]) {
    await this.fixture.client.putContainerConfig(handle, { attach_to: networks })
    return this.fixture.client.up(handle)
  }

  put(handle: string, networks: Record<string, Document | null>) {
    return this.fixture.client.putContainerPolicy(handle, { networks })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fixture[Symbol.asyncDispose]()
  }
}

/** The policies that a driver was told by `endpoint/policy`, from that record on. */
export function told(driver: FakeDriver, from = 0): unknown[] {
  return driver
    .records()
    .slice(from)
    .filter(({ event, method }) => event === 'begin' && method === 'endpoint/policy')
    .map(({ params }) => (params as { policy?: unknown }).policy)
}

/** What a driver was told last of a container, by whatever call. */
export function lastTold(driver: FakeDriver, handle: string) {
  type Told = { container?: { handle: string }; policy?: unknown; portMappings?: unknown; sandbox?: unknown }
  const all = driver.records().flatMap(({ event, params }) => (event === 'begin' ? [params as Told] : []))
  return all.filter(({ container }) => container?.handle === handle).at(-1)
}
