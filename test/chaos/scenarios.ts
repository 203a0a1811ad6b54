// The operations of conet as a crash test goes through them: each with what must be there before, and a step that may
// be repeated after the crash, with the same answer.
import { execFileSync, spawn } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import type { Rollback } from '@conet/sdk'
import { expect } from 'vitest'
import type { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { type TemporaryNamespace, temporaryNamespace } from '../support/temporary-namespace.ts'

/** Everything that a scenario holds ends with its stack. */
export type Setting = { readonly fixture: ConetdFixture; readonly stack: Rollback }

/** Prepares, and returns the step. */
export type Scenario = (setting: Setting) => Promise<() => Promise<unknown>>

export const handle = 'c1'

export async function makeNetworks({ client }: ConetdFixture, type: string): Promise<void> {
  await client.createNetwork({ name: 'blue', type, subnets: [{ subnet: '10.81.0.0/24' }] })
  await client.createNetwork({ name: 'green', type, subnets: [{ subnet: '10.82.0.0/24' }], ipv6: true })
}

const configured =
  (attachTo: string[], then: Scenario): Scenario =>
  async (setting) => {
    await setting.fixture.client.putContainerConfig(handle, { attach_to: attachTo })
    return then(setting)
  }

const running =
  (then: Scenario): Scenario =>
  (setting) =>
    configured(['blue'], async () => {
      await setting.fixture.client.up(handle)
      return then(setting)
    })(setting)

/** With a key, so that the same plug again makes no second endpoint. */
const plug: Scenario = async ({ fixture: { client } }) => {
  const idempotencyKey = `plug-${performance.now()}`
  return async () => {
    await client.plug(handle, { network: 'green' }, { idempotencyKey })
    const { endpoints } = await client.getContainer(handle)
    const found = endpoints.filter(({ network_name: name }) => name === 'green')
    expect(found, 'endpoints of one plug').toHaveLength(1)
  }
}

const up =
  (source: { pid?: number; netns?: string } = {}): Scenario =>
  async ({ fixture: { client } }) =>
  async () =>
    expect(await client.up(handle, source)).toMatchObject({ state: 'up', endpoints: [{ state: 'plugged' }] })

export const scenarios = {
  async 'create a network'({ fixture: { client } }) {
    const network = { name: 'made', type: 'bridge', subnets: [{ subnet: '10.83.0.0/24' }] }
    return async () => expect(await client.createNetwork(network)).toMatchObject({ state: 'active' })
  },

  async 'create a network with a made-up name'({ fixture: { client } }) {
    const idempotencyKey = `create-${performance.now()}`
    return async () => {
      await client.createNetwork({ generate_name: true, type: 'bridge' }, { idempotencyKey })
      expect((await client.listNetworks()).networks).toHaveLength(3)
    }
  },

  async 'delete a network'({ fixture: { client } }) {
    const { id } = await client.createNetwork({ name: 'made', type: 'bridge' })
    return async () => expect(await client.deleteNetwork(id)).toEqual({ state: 'gone' })
  },

  async 'configure a container anew'({ fixture: { client } }) {
    await client.putContainerConfig(handle, { attach_to: [] })
    await client.plug(handle, { network: 'blue' })
    return async () => {
      await client.putContainerConfig(handle, { attach_to: ['green'], labels: { is: 'new' } })
      expect(await client.getContainer(handle)).toMatchObject({ labels: { is: 'new' }, endpoints: [] })
    }
  },

  'plug into a defined container': configured([], plug),

  'plug into a running container': running(plug),

  unplug: running(async ({ fixture: { client } }) => {
    const { id } = await client.plug(handle, { network: 'green' })
    return async () => {
      expect(await client.unplug({ handle, endpoint: id })).toEqual({ state: 'gone' })
      expect((await client.getContainer(handle)).attachments).toMatchObject([{ name: 'blue' }])
    }
  }),

  'up in a namespace that conet makes': configured(['green'], up()),

  'up in the namespace at a path': configured(['green'], async (setting) => {
    const { path } = namespaceFor(setting)
    return up({ netns: path })(setting)
  }),

  'up in the namespace of a process': configured(['green'], async (setting) =>
    up({ pid: await processInNamespace(setting.stack) })(setting),
  ),

  'up of an endpoint that a plug has made': configured([], async (setting) => {
    await setting.fixture.client.plug(handle, { network: 'green', addresses: ['10.82.0.77'] })
    return up()(setting)
  }),

  /** The second attachment wants an interface that the runtime has made; the first had the name of the other one. */
  'up that fails at its second attachment': configured([], async (setting) => {
    const { client } = setting.fixture
    await client.plug(handle, { network: 'green' })
    await client.putContainerConfig(handle, { attach_to: ['green', { network: 'blue', interface: 'eth5' }] })
    const { path, namespace } = namespaceFor(setting)
    namespace.run(() => execFileSync('ip', ['link', 'add', 'eth5', 'type', 'veth', 'peer', 'name', 'eth0']))
    const before = await client.getContainer(handle)
    return async () => {
      await expect(client.up(handle, { netns: path })).rejects.toMatchObject({ kind: 'conflict' })
      const { state, attachments } = await client.getContainer(handle)
      expect([state, attachments.map(({ name }) => name)]).toEqual([
        before.state,
        before.attachments.map(({ name }) => name),
      ])
    }
  }),

  down: running(async ({ fixture: { client } }) => async () => {
    expect(await client.down(handle)).toEqual({ state: 'gone' })
    expect(await client.getContainer(handle)).toMatchObject({ state: 'down', endpoints: [] })
  }),

  'change a policy': running(async ({ fixture: { client } }) => async () => {
    const policy = { net_out: [{ networks: ['192.0.2.0/24'], action: 'deny' }] }
    await client.putContainerPolicy(handle, { networks: { blue: policy } })
    expect(await client.getContainerPolicy(handle)).toMatchObject({ networks: { blue: policy } })
  }),

  'read counters': running(async ({ fixture: { client } }) => async () => {
    expect(await client.getContainerMetrics(handle)).toMatchObject({ networks: { blue: expect.anything() } })
  }),

  'remove a container': running(async ({ fixture: { client } }) => async () => {
    const { containers } = await client.listContainers()
    if (containers.length > 0) await client.deleteContainer(handle)
    expect((await client.listContainers()).containers).toEqual([])
  }),
} satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof scenarios

/** Of scenarios, failpoints that their step goes through. */
export type Crashes<Failpoint extends string = string> = Partial<Record<ScenarioName, readonly Failpoint[]>>

export function crashRows(crashes: Crashes): { name: ScenarioName; failpoint: string }[] {
  return Object.entries(crashes).flatMap(([name, failpoints]) =>
    failpoints.map((failpoint) => ({ name: name as ScenarioName, failpoint })),
  )
}

function namespaceFor({ stack }: Setting): TemporaryNamespace {
  const made = temporaryNamespace()
  stack.defer('delete the namespace', () => made[Symbol.dispose]())
  return made
}

async function processInNamespace(stack: Rollback): Promise<number> {
  const child = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' })
  stack.defer('end the process', async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  })
  const pid = child.pid ?? 0
  const own = readlinkSync('/proc/self/ns/net')
  await eventually(() => readlinkSync(`/proc/${pid}/ns/net`) !== own)
  return pid
}
