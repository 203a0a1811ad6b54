// What conet's record should be after each step, as simple as it can be said; and the steps, each done to the model
// and to the real conetd.
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError } from '@conet/sdk'
import type fc from 'fast-check'
import { expect } from 'vitest'
import { expectRecordAgrees } from '../support/agreement.ts'
import type { ConetdFixture } from '../support/conetd-fixture.ts'

type Attachment = { readonly name: string; readonly network: string; endpoint: string | undefined }
type Container = { state: 'defined' | 'up' | 'down'; attachments: Attachment[] }

export type Model = {
  /** Ids by name. */
  readonly networks: Map<string, string>
  readonly containers: Map<string, Container>
}

export function emptyModel(): Model {
  return { networks: new Map(), containers: new Map() }
}

export type Step = fc.AsyncCommand<Model, ConetdFixture>

/** Does the step, and compares what is there afterwards. */
function step(text: string, run: (model: Model, fixture: ConetdFixture) => Promise<void>): Step {
  return {
    check: () => true,
    toString: () => text,
    async run(model, fixture) {
      await run(model, fixture)
      await fixture.settled()
      await expectModel(model, fixture)
    },
  }
}

async function expectModel({ networks, containers }: Model, fixture: ConetdFixture): Promise<void> {
  const picture = await expectRecordAgrees(fixture)
  const shown = picture.containers.map(({ handle, state, attachments, endpoints }) => ({
    handle,
    state,
    attachments: attachments.map(({ name, endpoint_id }) => ({ name, endpoint: endpoint_id })),
    endpoints: endpoints.map((endpoint) => endpoint.state),
  }))
  const wanted = [...containers]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([handle, { state, attachments }]) => ({
      handle,
      state,
      attachments: attachments.map(({ name, endpoint }) => ({ name, endpoint })),
      endpoints: attachments
        .filter(({ endpoint }) => endpoint !== undefined)
        .map(() => (state === 'up' ? 'plugged' : 'created')),
    }))
  expect(shown).toEqual(wanted)
  expect(picture.networks.map(({ name, id, state }) => [name, id, state]).sort()).toEqual(
    [...networks].map(([name, id]) => [name, id, 'active']).sort(),
  )
}

async function expectRefusal(work: Promise<unknown>, kind: string): Promise<void> {
  await expect(work).rejects.toMatchObject({ kind })
}

export function createNetwork(name: string): Step {
  return step(`create ${name}`, async ({ networks }, { client }) => {
    const { id } = await client.createNetwork({ name, type: 'null', labels: { of: 'the model' } })
    const known = networks.get(name)
    if (known !== undefined) expect(id).toBe(known)
    networks.set(name, id)
  })
}

export function deleteNetwork(name: string): Step {
  return step(`delete ${name}`, async ({ networks, containers }, { client }) => {
    const users = [...containers.values()].flatMap(({ attachments }) => attachments)
    if (!networks.has(name)) return expectRefusal(client.deleteNetwork(name), 'notFound')
    if (users.some(({ network }) => network === name))
      return expectRefusal(client.deleteNetwork(name), 'inUse')
    expect(await client.deleteNetwork(name)).toEqual({ state: 'gone' })
    networks.delete(name)
  })
}

export function configure(handle: string, names: readonly string[]): Step {
  return step(`configure ${handle} ${names}`, async ({ networks, containers }, { client }) => {
    const before = containers.get(handle)
    const work = client.putContainerConfig(handle, { attach_to: [...names] })
    if (before?.state === 'up') return expectRefusal(work, 'failedPrecondition')
    if (names.some((name) => !networks.has(name))) return expectRefusal(work, 'notFound')
    await work
    const endpointOf = (name: string) =>
      before?.attachments.find((old) => old.name === name && old.network === name)?.endpoint
    const attachments = names.map((name) => ({ name, network: name, endpoint: endpointOf(name) }))
    containers.set(handle, { state: before?.state ?? 'defined', attachments })
  })
}

function freeName(network: string, attachments: readonly Attachment[]): string {
  const taken = attachments.map(({ name }) => name)
  for (let n = 1; ; n++) {
    const name = n === 1 ? network : `${network}-${n}`
    if (!taken.includes(name)) return name
  }
}

export function plug(handle: string, network: string): Step {
  return step(`plug ${handle} ${network}`, async ({ networks, containers }, { client }) => {
    const container = containers.get(handle)
    const work = client.plug(handle, { network })
    if (container === undefined || !networks.has(network)) return expectRefusal(work, 'notFound')
    const { id, attachment } = await work
    expect(attachment).toBe(freeName(network, container.attachments))
    container.attachments.push({ name: attachment, network, endpoint: id })
  })
}

/** conetd dies while it plugs, and the client asks until it has an answer: one endpoint comes of it. */
export function crashInPlug(handle: string, network: string, afterMs: number): Step {
  return step(`crash in plug ${handle} ${network} ${afterMs}`, async ({ networks, containers }, fixture) => {
    const container = containers.get(handle)
    if (container === undefined || !networks.has(network)) return
    const options = { idempotencyKey: `crash-${performance.now()}` }
    const plugging = untilAnswered(() => fixture.client.plug(handle, { network }, options))
    await sleep(afterMs)
    await fixture.restart()
    const { id, attachment } = await plugging
    container.attachments.push({ name: attachment, network, endpoint: id })
  })
}

async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!ConetError.is(error) || !error.retryable) throw error
      await sleep(20)
    }
  }
}

export function unplug(handle: string, index: number): Step {
  return step(`unplug ${handle} ${index}`, async ({ containers }, { client }) => {
    const container = containers.get(handle)
    const plugged = container?.attachments.filter(({ endpoint }) => endpoint !== undefined) ?? []
    const chosen = plugged[index % Math.max(1, plugged.length)]
    if (container === undefined || chosen?.endpoint === undefined) return
    const { endpoint } = chosen
    expect(await client.unplug({ handle, endpoint })).toEqual({ state: 'gone' })
    expect(await client.unplug({ handle, endpoint })).toEqual({ state: 'gone' })
    container.attachments = container.attachments.filter((attachment) => attachment !== chosen)
  })
}

export function up(handle: string): Step {
  return step(`up ${handle}`, async ({ containers }, { client }) => {
    const container = containers.get(handle)
    if (container === undefined) return expectRefusal(client.up(handle), 'notFound')
    const { attachments } = await client.up(handle)
    container.state = 'up'
    for (const attachment of container.attachments) {
      const found = attachments.find(({ name }) => name === attachment.name)?.endpoint_id
      if (attachment.endpoint !== undefined) expect(found).toBe(attachment.endpoint)
      attachment.endpoint = found
    }
  })
}

export function down(handle: string): Step {
  return step(`down ${handle}`, async ({ containers }, { client }) => {
    expect(await client.down(handle)).toEqual({ state: 'gone' })
    const container = containers.get(handle)
    if (container?.state !== 'up') return
    container.state = 'down'
    for (const attachment of container.attachments) attachment.endpoint = undefined
  })
}

export function remove(handle: string): Step {
  return step(`rm ${handle}`, async ({ containers }, { client }) => {
    if (!containers.has(handle)) return expectRefusal(client.deleteContainer(handle), 'notFound')
    await client.deleteContainer(handle)
    containers.delete(handle)
  })
}

export function restartConetd(): Step {
  return step('restart conetd', async (_model, fixture) => {
    await fixture.conetd.stop()
    await fixture.start()
  })
}

export function killConetd(): Step {
  return step('kill conetd', (_model, fixture) => fixture.restart())
}

export function killDriver(): Step {
  return step('kill the driver', async (_model, fixture) => {
    await fixture.driver('null').end('SIGKILL')
    await fixture.startDriver('null')
  })
}
