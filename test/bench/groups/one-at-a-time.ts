// One plug and one unplug: the floor, conet with each driver, and CNI.
import { Rollback } from '@conet/sdk'
import { ConetdProcess } from '../../support/conetd-process.ts'
import { Cni, cniIsAbsent } from '../cni.ts'
import { Floor } from '../floor.ts'
import { interleave, type Side } from '../interleave.ts'
import { cniSide } from '../sides/cni-side.ts'
import { emptyRequestSide, plugSide } from '../sides/conet-sides.ts'
import { floorSide } from '../sides/floor-side.ts'
import { type Group, type Run, type Workplace, wantsAny, workplace } from './group.ts'

const rounds = 150
const cniRows = ['cni-add', 'cni-del', 'exec-nothing']
const conetRows = ['http-empty', 'null-plug', 'null-unplug', 'bridge-plug', 'bridge-unplug']

export const oneAtATime: Group = {
  rows: ['floor-plug', 'floor-unplug', ...conetRows, ...cniRows],
  async measure(run) {
    await using place = await workplace()
    await using undo = new Rollback()
    const sides = await makeSides(run, place, undo)
    await interleave(sides, run.samples, {
      rounds,
      signal: run.signal,
      onRound: (done) => run.progress(`one at a time: round ${done + 1} of ${rounds}`),
    })
  },
}

async function makeSides(run: Run, place: Workplace, undo: Rollback): Promise<Side[]> {
  const sides: Side[] = []
  if (wantsAny(run, 'floor-plug', 'floor-unplug')) {
    const floor = new Floor(place.namespaces, 1)
    undo.defer('take the floor down', () => floor[Symbol.dispose]())
    sides.push(floorSide(floor))
  }
  if (wantsAny(run, ...conetRows)) sides.push(...(await conetSides(run, place, undo)))
  if (wantsAny(run, ...cniRows)) sides.push(...cniSides(run, place, undo))
  return sides
}

async function conetSides(run: Run, { directory }: Workplace, undo: Rollback): Promise<Side[]> {
  const conetd = await ConetdProcess.start({ directory, spawn: ['null', 'bridge'] })
  undo.defer('stop conetd', () => conetd[Symbol.asyncDispose]())
  const client = conetd.client()
  undo.defer('close the client', () => client.close())
  const sides: Side[] = []
  if (wantsAny(run, 'http-empty')) sides.push(emptyRequestSide(client))
  for (const { driver, warmUps } of [
    { driver: 'null', warmUps: 300 },
    { driver: 'bridge', warmUps: 60 },
  ]) {
    const [plug, unplug, network, handle] = [
      `${driver}-plug`,
      `${driver}-unplug`,
      `n-${driver}`,
      `c-${driver}`,
    ]
    if (!wantsAny(run, plug, unplug)) continue
    await client.createNetwork({ name: network, type: driver })
    await client.putContainerConfig(handle, { attach_to: [] })
    await client.up(handle)
    undo.defer(`remove what is in ${network}`, async () => {
      await client.deleteContainer(handle)
      await client.deleteNetwork(network)
    })
    sides.push(plugSide({ client, handle, network, plug, unplug, warmUps }))
  }
  return sides
}

function cniSides(run: Run, { namespaces }: Workplace, undo: Rollback): Side[] {
  const reason = cniIsAbsent()
  if (reason !== undefined) {
    for (const row of cniRows) run.absent.set(row, reason)
    return []
  }
  const cni = new Cni(namespaces)
  undo.defer('take CNI down', () => cni[Symbol.dispose]())
  return [cniSide(cni)]
}
