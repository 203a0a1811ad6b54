// What a driver is told when it connects, against parsing the same JSON once; and how long conetd stands still over it.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkParams, Rollback, type SyncResult } from '@conet/sdk'
import type { ConetClient } from '@conet/sdk/client'
import { ConetdProcess } from '../../support/conetd-process.ts'
import { eventually } from '../../support/eventually.ts'
import { ScriptedDriver } from '../../support/scripted-driver.ts'
import { DriverWatch } from '../driver-watch.ts'
import { inParallel } from '../in-parallel.ts'
import { interleave, type Side } from '../interleave.ts'
import { startNullDriver } from '../peer-process.ts'
import { timedSync } from '../samples.ts'
import { type Group, type Run, type Workplace, workplace } from './group.ts'

const rounds = 15
const networks = Array.from({ length: 1_000 }, (_, index) => `sync-${index}`)
const containers = Array.from({ length: 200 }, (_, index) => `sync-${index}`)
/** Of each container: 10,000 in all. */
const endpoints = 50
const atOnce = 16
const preload = fileURLToPath(new URL('../loop-watch.js', import.meta.url))

export const driverSync: Group = {
  rows: ['sync-parse', 'driver-sync', 'driver-sync-block'],
  async measure(run) {
    await using place = await workplace()
    await using undo = new Rollback()
    const conetd = await startConetd(place, undo)
    const driverDirectory = join(place.directory, 'run/drivers')
    const driver = await startNullDriver(driverDirectory)
    undo.defer('stop the driver', async () => driver[Symbol.asyncDispose]())
    const client = conetd.client(atOnce)
    undo.defer('close the client', () => client.close())
    const watch = new DriverWatch(client, driver.socketPath)
    undo.defer('watch no longer', () => watch[Symbol.asyncDispose]())
    await makeAll(run, client, undo)
    const pages = await tellAnother(watch, join(driverDirectory, 'null-2.sock'))
    const { signal, progress } = run
    const sides = [parseSide(pages), syncSide(watch, () => longestStandstill(conetd.pid, place))]
    await interleave(sides, run.samples, { rounds, signal, progress, title: 'sync' })
  },
}

async function startConetd(place: Workplace, undo: Rollback): Promise<ConetdProcess> {
  const { directory } = place
  const conetd = new ConetdProcess({ directory, spawn: [], nodeFlags: ['--import', preload] })
  undo.defer('stop conetd', () => conetd[Symbol.asyncDispose]())
  await conetd.start({ BENCH_LOOP_FILE: loopFileOf(place) })
  return conetd
}

function parseSide(pages: readonly string[]): Side {
  const parseAll = () => {
    for (const page of pages) JSON.parse(page)
  }
  return { warmUps: 3, round: async () => [['sync-parse', timedSync(parseAll)]] }
}

function syncSide(watch: DriverWatch, longest: () => Promise<number>): Side {
  return {
    warmUps: 3,
    async round() {
      await watch.hide()
      await longest()
      return [
        ['driver-sync', await watch.show()],
        ['driver-sync-block', await longest()],
      ]
    },
  }
}

/** How many milliseconds its event loop has stood still at most since the last time that this was asked. */
async function longestStandstill(pid: number, place: Workplace): Promise<number> {
  const file = loopFileOf(place)
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  return eventually(() => Number(readFileSync(file, 'utf8')))
}

function loopFileOf({ directory }: Workplace): string {
  return join(directory, 'loop')
}

/** What conetd says to a driver that connects, as JSON: it is said to one of this process. */
async function tellAnother(watch: DriverWatch, socketPath: string): Promise<string[]> {
  await watch.hide()
  const heard: string[] = []
  await using driver = await ScriptedDriver.listen(socketPath, 'null', {
    'driver/sync': (params) => {
      heard.push(JSON.stringify(params))
      return {
        repaired: [],
        failed: [],
        plugged: pluggedOn(params),
        unknown: { networkIds: [], endpoints: [] },
      }
    },
  })
  await watch.untilReady()
  await driver[Symbol.asyncDispose]()
  await watch.show()
  return heard
}

async function makeAll(run: Run, client: ConetClient, undo: Rollback): Promise<void> {
  undo.defer('remove the networks', () => inParallel(atOnce, networks, (name) => client.deleteNetwork(name)))
  await inParallel(atOnce, networks, async (name, index) => {
    run.signal.throwIfAborted()
    const subnet = `10.${index >> 8}.${index & 255}.0/24`
    await client.createNetwork({ name, type: 'null', subnets: [{ subnet }] })
  })
  undo.defer('remove the containers', () =>
    inParallel(atOnce, containers, (handle) => client.deleteContainer(handle)),
  )
  await inParallel(atOnce, containers, async (handle, index) => {
    run.signal.throwIfAborted()
    if (index % 10 === 0) run.progress(`sync: container ${index} of ${containers.length}`)
    const first = (index * endpoints) % networks.length
    await client.putContainerConfig(handle, { attach_to: networks.slice(first, first + endpoints) })
    await client.up(handle)
  })
}

/** As the null driver answers: conetd would have 10,000 endpoints to repair, and to write down, if nothing were said of them. */
function pluggedOn(params: unknown): SyncResult['plugged'] {
  return checkParams('driver/sync', params).endpoints.map(({ network, endpointId }) => ({
    networkId: network.id,
    endpointId,
    result: { interfaces: [] },
  }))
}
