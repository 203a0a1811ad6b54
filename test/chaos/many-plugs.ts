// Many plugs and unplugs at once, while conetd is killed again and again; what is the same for thousands and for tens of them.
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError } from '@conet/sdk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { apiPicture, expectIdsResolve, expectLeasesMatch } from '../support/agreement.ts'
import { ConetdFixture } from '../support/conetd-fixture.ts'

const connections = 64
const containers = 250
const network = 'wide'
/** Kills at these shares of the work. */
const killsAt = [0.15, 0.4, 0.65, 0.9]

type Picture = Awaited<ReturnType<typeof apiPicture>>

export function manyPlugs(plugs: number): void {
  let fixture: ConetdFixture

  beforeAll(async () => {
    fixture = await ConetdFixture.start({ drivers: ['null'], connections })
    await fixture.client.createNetwork({ name: network, type: 'null', subnets: [{ subnet: '10.64.0.0/16' }] })
  })

  afterAll(() => fixture?.[Symbol.asyncDispose](), 60_000)

  it(`${plugs} plugs over 64 connections, conetd killed in between, hand out no address twice and lose none`, async () => {
    const { client } = fixture
    await sideBySide(containers, async (n) => {
      await client.putContainerConfig(handleOf(n), { attach_to: [] })
    })
    const made = await plugAll(fixture, plugs)
    const picture = await apiPicture(fixture)
    expectThere(made, picture, plugs)
    await unplugAll(fixture, picture)
    const after = await apiPicture(fixture)
    expect(after.endpoints).toEqual([])
    expect(after.networks[0]?.subnets[0]?.used).toBe(0)
    // Round-robin: what was freed rests, and comes back when its turn has come.
    await client.putContainerConfig(handleOf(0), { attach_to: [] })
    const again = await client.plug(handleOf(0), { network })
    expect(again.interfaces[0]?.addresses[0]).toMatch(/^10\.64\./)
  }, 400_000)
}

function handleOf(n: number): string {
  return `many-${n % containers}`
}

/** The address of each endpoint. */
async function plugAll(fixture: ConetdFixture, plugs: number): Promise<Map<string, string>> {
  const made = new Map<string, string>()
  const plugging = sideBySide(plugs, async (n) => {
    const options = { idempotencyKey: `plug-${n}` }
    const endpoint = await untilAnswered(() => fixture.client.plug(handleOf(n), { network }, options))
    made.set(endpoint.id, endpoint.interfaces[0]?.addresses[0] ?? 'none')
  })
  const marks = killsAt.map((share) => share * plugs)
  await Promise.all([plugging, killAt(fixture, marks, () => made.size)])
  await fixture.settled()
  return made
}

function expectThere(made: ReadonlyMap<string, string>, picture: Picture, plugs: number): void {
  expect(new Set(made.values()).size, 'different addresses').toBe(plugs)
  const shown = new Map(picture.endpoints.map(({ id, interfaces }) => [id, interfaces[0]?.addresses[0]]))
  expect(shown.size).toBe(plugs)
  expect([...made].filter(([id, address]) => shown.get(id) !== address)).toEqual([])
  expectLeasesMatch(picture)
  expectIdsResolve(picture)
}

/** Some alone, and all others with their containers. */
async function unplugAll(fixture: ConetdFixture, { endpoints }: Picture): Promise<void> {
  const { client } = fixture
  const alone = endpoints.slice(0, endpoints.length / 10)
  let gone = 0
  const removing = sideBySide(alone.length + containers, async (n) => {
    const which = alone[n]
    if (which !== undefined)
      await untilAnswered(() => client.unplug({ handle: which.container, endpoint: which.id }))
    else await untilGone(fixture, handleOf(n))
    gone += 1
  })
  const marks = [alone.length / 2, alone.length + containers / 2]
  await Promise.all([removing, killAt(fixture, marks, () => gone)])
  await fixture.settled()
}

/** One that conetd was killed before it answered may have gone already. */
async function untilGone({ client }: ConetdFixture, handle: string): Promise<void> {
  let isAskedAgain = false
  await untilAnswered(async () => {
    try {
      await client.deleteContainer(handle)
    } catch (error) {
      if (!isAskedAgain || !ConetError.is(error, 'notFound')) throw error
    } finally {
      isAskedAgain = true
    }
  })
}

/** As a careful client: until it has an answer, with the same key. */
async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!ConetError.is(error) || !isPassing(error)) throw error
      await sleep(20)
    }
  }
}

function isPassing({ kind }: ConetError): boolean {
  return kind === 'hostUnavailable' || kind === 'driverUnavailable' || kind === 'cancelled'
}

/** Runs `work` for every number, as many at once as there are connections. */
async function sideBySide(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let n = next++; n < count; n = next++) await work(n)
  }
  await Promise.all(Array.from({ length: connections }, worker))
}

/** Kills conetd and starts it again, each time that enough is done; resolves after the last one. */
async function killAt(fixture: ConetdFixture, marks: readonly number[], done: () => number): Promise<void> {
  for (const mark of marks) {
    while (done() < mark) await sleep(5)
    await fixture.restart()
  }
}
