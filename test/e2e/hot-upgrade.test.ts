// A driver is replaced by another instance of it while containers are plugged and unplugged all the time: real
// processes, a real conetd, and the answers that clients get.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConetClient } from '@conet/sdk/client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { newId } from '../support/driver-client.ts'
import { eventually } from '../support/eventually.ts'
import { FakeDriver, startDriverProgram } from '../support/fake-driver.ts'
import type { FakeBehaviour, FakePlan } from '../support/fake-driver-plan.ts'
import { repository } from '../support/repository.ts'

const callers = 4
/** One of them is always at it, and the newcomers have the processor, too. */
const breathMs = 10
const hotUpgrade = { schemas: { hotUpgrade: true } }

let fixture: ConetdFixture
let old: FakeDriver
const newcomers: FakeDriver[] = []

beforeAll(async () => {
  fixture = await ConetdFixture.start({
    spawn: ['null'],
    config: { timeouts: { driver_rollback_ms: 1_500 } },
    connections: callers + 1,
  })
  old = await fixture.startFakeDriver({ plan: hotUpgrade })
  await prepare(fixture.client)
})

afterEach(async () => {
  for (const newcomer of newcomers.splice(0)) {
    await newcomer[Symbol.asyncDispose]()
    await rm(newcomer.socketPath, { force: true })
  }
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

async function prepare(client: ConetClient): Promise<void> {
  await client.createNetwork({ name: 'fake', type: 'fake', subnets: [{ subnet: '10.72.0.0/16' }] })
  await client.createNetwork({ name: 'null', type: 'null', subnets: [{ subnet: '10.73.0.0/16' }] })
  for (let n = 0; n < callers; n++) {
    await client.putContainerConfig(`c${n}`, { attach_to: [] })
    await client.up(`c${n}`)
  }
}

const socketOf = (instance: string) => join(fixture.driverDirectory, `${instance}.sock`)

/** A second instance of the fake driver; what it does at its calls may be its end. */
async function newcomer(
  instance: string,
  methods: Record<string, FakeBehaviour> = {},
  has: Required<FakePlan>['has'] = {},
): Promise<FakeDriver> {
  const directory = join(fixture.directory, instance)
  await mkdir(directory)
  const plan = { ...hotUpgrade, methods, has }
  const driver = await FakeDriver.start({ directory, name: 'fake', socketPath: socketOf(instance), plan })
  newcomers.push(driver)
  return driver
}

async function stateAt(instance: string): Promise<string | undefined> {
  const { drivers } = await fixture.client.listDrivers()
  const found = drivers.find(({ socket }) => socket === socketOf(instance))
  return found && `${found.state} ${found.role ?? ''}`.trim()
}

const untilState = (instance: string, state: string) =>
  eventually(async () => expect(await stateAt(instance)).toBe(state), { timeoutMs: 15_000 })

/** Each container is plugged and unplugged all the time while `work` goes on; not one call may fail. */
async function underLoad(network: string, work: (more: (count?: number) => Promise<void>) => Promise<void>) {
  let isOver = false
  let plugs = 0
  const failures: unknown[] = []
  const caller = async (handle: string) => {
    while (!isOver) {
      try {
        const { id } = await fixture.client.plug(handle, { network })
        plugs += 1
        await fixture.client.unplug({ handle, endpoint: id })
      } catch (error) {
        failures.push(error)
      }
      await sleep(breathMs)
    }
  }
  const running = Array.from({ length: callers }, (_, n) => caller(`c${n}`))
  try {
    await work(async (count = 10) => {
      const before = plugs
      await eventually(() => expect(plugs).toBeGreaterThan(before + count), { timeoutMs: 15_000 })
    })
  } finally {
    isOver = true
    await Promise.all(running)
  }
  expect(failures).toEqual([])
}

describe('while containers are plugged and unplugged all the time, none of them fails', () => {
  it.each<[string, string, Record<string, FakeBehaviour>]>([
    ['in its first sync', 'first', { 'network/create': { crashes: true } }],
    ['in its second sync, as calls wait', 'second', { 'network/create': { crashes: true, fromCall: 2 } }],
  ])('when a second instance dies %s: the first one goes on', async (_when, instance, methods) => {
    const { since } = await fixture.client.getDriver('fake')
    await underLoad('fake', async (more) => {
      await more()
      const driver = await newcomer(instance, methods)
      expect(await driver.program.exited).toBe('SIGKILL')
      await untilState(instance, 'closed')
      await more()
      expect(await fixture.client.getDriver('fake')).toMatchObject({ state: 'ready', role: 'active', since })
    })
  })

  it('when a second instance cannot make what there is: the first one goes on, and no record changes', async () => {
    const { id } = await fixture.client.plug('c0', { network: 'fake' })
    const before = await fixture.client.getContainer('c0')
    await underLoad('fake', async (more) => {
      const error = { kind: 'kernelRefused', message: 'no device' }
      const driver = await newcomer('unable', { 'endpoint/create': { error, only: id } })
      await eventually(() => expect(driver.calls()).toContain('endpoint/create'))
      await untilState('unable', 'closed')
      await more()
      expect(await stateAt('fake')).toBe('ready active')
    })
    expect(await fixture.client.getContainer('c0')).toEqual(before)
    await fixture.client.unplug({ handle: 'c0', endpoint: id })
  })

  it.each<[string, string, FakeBehaviour]>([
    ['at once', 'at-once', { crashes: true }],
    ['after some calls', 'later', { crashes: true, fromCall: 6 }],
  ])(
    'when a second instance takes over and dies %s: the first one is taken back',
    async (_when, instance, plug) => {
      await underLoad('fake', async (more) => {
        const driver = await newcomer(instance, { 'endpoint/plug': plug })
        expect(await driver.program.exited).toBe('SIGKILL')
        await untilState('fake', 'ready active')
        await more()
        expect(await stateAt(instance)).toBe('closed')
      })
    },
  )

  it('when a second instance takes over that has much that nobody wants, and removes it slowly', async () => {
    const networkId = newId()
    const orphans = Array.from({ length: 30 }, () => ({ networkId, endpointId: newId() }))
    const slowly = { delayMs: 1_000, only: networkId }
    await underLoad('fake', async (more) => {
      const driver = await newcomer('laden', { 'endpoint/delete': slowly }, { endpoints: orphans })
      await untilState('laden', 'ready active')
      const removed = driver.calls().filter((method) => method === 'endpoint/delete').length
      expect(removed).toBeGreaterThanOrEqual(orphans.length)
      // At once: the first one is kept for a moment only.
      await driver.program.end('SIGKILL')
      await untilState('fake', 'ready active')
      await more()
    })
  })

  it('when a second instance takes over for good: the first one is drained, and ends with exit code 0', async () => {
    await underLoad('fake', async (more) => {
      await newcomer('for-good')
      await untilState('for-good', 'ready active')
      await more()
      expect(await old.program.exited).toBe(0)
      await more()
    })
    await newcomers[0]?.program.end('SIGTERM')
    await old.restart()
    await untilState('fake', 'ready active')
  })

  it('when an instance started by hand relieves that of conetd, and one of conetd relieves that', async () => {
    const path = socketOf('null-2')
    const byHand = await startDriverProgram({
      program: join(repository, 'drivers/null/bin/conet-driver-null.js'),
      args: ['--socket', path],
      socketPath: path,
    })
    const pidBefore = (await fixture.client.getDriver('null')).pid
    expect(pidBefore).toBeGreaterThan(0)
    await underLoad('null', async (more) => {
      await untilState('null-2', 'ready active')
      await more()
      await expect(fixture.client.startDriver('null')).rejects.toMatchObject({
        kind: 'failedPrecondition',
        message: expect.stringContaining('has just taken over from that of conetd'),
      })
      // conetd does not start its own again.
      await eventually(async () => expect(await stateAt('null')).toBeUndefined())
      await eventually(() => fixture.client.startDriver('null'))
      await untilState('null', 'ready active')
      await more()
      expect(await byHand.exited).toBe(0)
    })
    const { pid } = await fixture.client.getDriver('null')
    expect(pid).toBeGreaterThan(0)
    expect(pid).not.toBe(pidBefore)
  })
})
