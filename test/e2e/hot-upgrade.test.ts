// A driver is replaced by another instance of it while containers are plugged and unplugged all the time: real
// processes, a real conetd, and the answers that clients get.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { type DriverProgram, startDriverProgram } from '../support/fake-driver.ts'
import { repository } from '../support/repository.ts'

const callers = 4

let fixture: ConetdFixture

beforeAll(async () => {
  fixture = await ConetdFixture.start({
    drivers: ['null'],
    config: { timeouts: { driver_rollback_ms: 1_000 } },
    connections: callers + 1,
  })
  await fixture.client.createNetwork({ name: 'blue', type: 'null', subnets: [{ subnet: '10.72.0.0/16' }] })
  for (let n = 0; n < callers; n++) {
    await fixture.client.putContainerConfig(`c${n}`, { attach_to: [] })
    await fixture.client.up(`c${n}`)
  }
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

const socketOf = (instance: string) => join(fixture.driverDirectory, `${instance}.sock`)

const nullDriver = (instance: string): Promise<DriverProgram> =>
  startDriverProgram({
    program: join(repository, 'drivers/null/bin/conet-driver-null.js'),
    args: ['--socket', socketOf(instance)],
    socketPath: socketOf(instance),
  })

async function stateAt(instance: string): Promise<string | undefined> {
  const { drivers } = await fixture.client.listDrivers()
  const found = drivers.find(({ socket }) => socket === socketOf(instance))
  return found && `${found.state} ${found.role ?? ''}`.trim()
}

const untilState = (instance: string, state: string) =>
  eventually(async () => expect(await stateAt(instance)).toBe(state), { timeoutMs: 15_000 })

/** Each container is plugged and unplugged without a pause. */
function steadyLoad() {
  let isOver = false
  let plugs = 0
  const failures: unknown[] = []
  const caller = async (handle: string) => {
    while (!isOver) {
      try {
        const { id } = await fixture.client.plug(handle, { network: 'blue' })
        plugs += 1
        await fixture.client.unplug({ handle, endpoint: id })
      } catch (error) {
        failures.push(error)
      }
    }
  }
  const running = Array.from({ length: callers }, (_, n) => caller(`c${n}`))
  return {
    failures,
    async more(count: number) {
      const before = plugs
      await eventually(() => expect(plugs).toBeGreaterThan(before + count), { timeoutMs: 15_000 })
    },
    async end() {
      isOver = true
      await Promise.all(running)
    },
  }
}

it('no plug and no unplug fails while a second instance takes over, dies, and another takes over for good', async () => {
  const load = steadyLoad()
  await load.more(20)
  const first = await nullDriver('null-2')
  await untilState('null-2', 'ready active')
  expect(await stateAt('null')).toBe('draining relieved')
  await load.more(20)
  await load.end()
  expect(load.failures).toEqual([])

  await first.end('SIGKILL')
  await untilState('null', 'ready active')
  await rm(socketOf('null-2'))

  const again = steadyLoad()
  const second = await nullDriver('null-3')
  await untilState('null-3', 'ready active')
  await again.more(20)
  expect(await fixture.driver('null').exited).toBe(0)
  await again.more(20)
  await again.end()
  expect(again.failures).toEqual([])
  await fixture.removeEverything()
  await second.end('SIGTERM')
})
