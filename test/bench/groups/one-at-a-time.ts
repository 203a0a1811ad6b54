// One plug after the other, one unplug after the other: the null driver against empty requests, the bridge driver against
// the floor, and CNI.
import { Rollback } from '@conet/sdk'
import type { ConetClient } from '@conet/sdk/client'
import { ConetdProcess } from '../../support/conetd-process.ts'
import { Cni, cniIsAbsent } from '../cni.ts'
import { Floor } from '../floor.ts'
import { interleave, type Side } from '../interleave.ts'
import { cniPlugger } from '../turns/cni.ts'
import { conetPlugger, emptyRequests } from '../turns/conet.ts'
import { floorPlugger } from '../turns/floor.ts'
import { type Plugger, turns } from '../turns/turns.ts'
import { type Group, type Run, type Workplace, wantsAny, workplace } from './group.ts'

const rounds = 20
const endpoints = 10
// They are quick, and the first few of a round are still slow after the pause.
const nullEndpoints = 50
const cniEndpoints = 5
const nullRows = ['http-empty', 'null-plug', 'null-unplug']
const floorRows = ['floor-plug', 'floor-unplug']
const bridgeRows = ['bridge-plug', 'bridge-unplug']
const cniRows = ['cni-add', 'cni-del', 'exec-nothing']

export const oneAtATime: Group = {
  rows: [...nullRows, ...floorRows, ...bridgeRows, ...cniRows],
  async measure(run) {
    await using place = await workplace()
    await using undo = new Rollback()
    const sides = await makeSides(run, place, undo)
    const { signal, progress } = run
    await interleave(sides, run.samples, { rounds, signal, progress, title: 'one at a time' })
  },
}

async function makeSides(run: Run, place: Workplace, undo: Rollback): Promise<Side[]> {
  const sides: Side[] = []
  const client = wantsAny(run, ...nullRows, ...bridgeRows) ? await startConet(place, undo) : undefined
  if (client !== undefined && wantsAny(run, ...nullRows)) {
    const nullPlugger = await driverPlugger({ driver: 'null', endpoints: nullEndpoints }, client, undo)
    sides.push(turns([emptyRequests(client), nullPlugger], { endpoints: nullEndpoints, warmUps: 40 }))
  }
  const pluggers: Plugger[] = []
  if (wantsAny(run, ...floorRows)) {
    pluggers.push(floorPlugger(makeFloor(place, undo), { plug: 'floor-plug', unplug: 'floor-unplug' }))
  }
  if (client !== undefined && wantsAny(run, ...bridgeRows)) {
    pluggers.push(await driverPlugger({ driver: 'bridge', endpoints }, client, undo))
  }
  // A daemon in service has its code compiled: some hundred plugs until V8 has done that.
  if (pluggers.length > 0) sides.push(turns(pluggers, { endpoints, warmUps: 60 }))
  if (wantsAny(run, ...cniRows)) sides.push(...cniSides(run, place, undo))
  return sides
}

async function startConet({ directory }: Workplace, undo: Rollback): Promise<ConetClient> {
  const conetd = await ConetdProcess.start({ directory, spawn: ['null', 'bridge'] })
  undo.defer('stop conetd', () => conetd[Symbol.asyncDispose]())
  const client = conetd.client()
  undo.defer('close the client', () => client.close())
  return client
}

/** A network of the driver, and containers that are up. */
async function driverPlugger(
  { driver, endpoints: count }: { driver: 'null' | 'bridge'; endpoints: number },
  client: ConetClient,
  undo: Rollback,
): Promise<Plugger> {
  const network = `n-${driver}`
  const handles = Array.from({ length: count }, (_, number) => `c-${driver}-${number}`)
  undo.defer(`remove what is in ${network}`, async () => {
    for (const handle of handles) await client.deleteContainer(handle)
    await client.deleteNetwork(network)
  })
  await client.createNetwork({ name: network, type: driver })
  for (const handle of handles) {
    await client.putContainerConfig(handle, { attach_to: [] })
    await client.up(handle)
  }
  return conetPlugger({
    client,
    handles,
    network,
    rows: { plug: `${driver}-plug`, unplug: `${driver}-unplug` },
  })
}

function makeFloor({ namespaces }: Workplace, undo: Rollback): Floor {
  const floor = new Floor(namespaces, { sandboxes: endpoints })
  undo.defer('take the floor down', () => floor[Symbol.dispose]())
  return floor
}

function cniSides(run: Run, { namespaces }: Workplace, undo: Rollback): Side[] {
  const reason = cniIsAbsent()
  if (reason !== undefined) {
    for (const row of cniRows) run.absent.set(row, reason)
    return []
  }
  const cni = new Cni(namespaces, cniEndpoints)
  undo.defer('take CNI down', () => cni[Symbol.dispose]())
  return [turns([cniPlugger(cni)], { endpoints: cniEndpoints, warmUps: 1 })]
}
