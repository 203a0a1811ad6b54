// A plug on a driver that works, alone and beside drivers that do not: each of the zoo in its turn, and those that make
// noise once more by themselves.
import { join } from 'node:path'
import { Rollback } from '@conet/sdk'
import type { ConetClient } from '@conet/sdk/client'
import { ConetdProcess } from '../../support/conetd-process.ts'
import { eventually } from '../../support/eventually.ts'
import { type Exhibit, exhibits } from '../../survival/exhibits.ts'
import { Keeper } from '../../zoo/keeper.ts'
import { interleave, type Measured, type Side } from '../interleave.ts'
import { timed } from '../samples.ts'
import { type Group, workplace } from './group.ts'

const handle = 'neighbour'
const network = 'quiet'
const plugsARound = 10
/** In `alone` too, so that both sides wait as long for the processors to wake up. */
const warmUpPlugs = 5

const noisy = exhibits.filter(({ name }) => /flood|large/.test(name))

export const brokenNeighbours: Group = {
  rows: ['plug-alone', 'plug-beside-broken', 'plug-beside-noise'],
  async measure(run) {
    await using place = await workplace()
    await using undo = new Rollback()
    const conetd = await ConetdProcess.start({ directory: place.directory, spawn: ['null'] })
    undo.defer('stop conetd', () => conetd[Symbol.asyncDispose]())
    const client = conetd.client()
    undo.defer('close the client', () => client.close())
    await moveIn(client, undo)
    await using keeper = new Keeper()
    const directory = join(place.directory, 'run/drivers')
    const beside = (row: string, all: readonly Exhibit[]) =>
      besideSide(row, all, { client, keeper, directory })
    const { signal, progress } = run
    const alone: Side = { warmUps: 20, round: () => plugs(client, 'plug-alone') }
    const sides = [alone, beside('plug-beside-broken', exhibits), beside('plug-beside-noise', noisy)]
    const options = { rounds: exhibits.length, signal, progress, title: 'broken neighbours' }
    await interleave(sides, run.samples, options)
  },
}

async function moveIn(client: ConetClient, undo: Rollback): Promise<void> {
  undo.defer('move out', async () => {
    await client.deleteContainer(handle)
    await client.deleteNetwork(network)
  })
  await client.createNetwork({ name: network, type: 'null' })
  await client.putContainerConfig(handle, { attach_to: [] })
  await client.up(handle)
}

type Zoo = { readonly client: ConetClient; readonly keeper: Keeper; readonly directory: string }

/** Another one each round. */
function besideSide(row: string, all: readonly Exhibit[], { client, keeper, directory }: Zoo): Side {
  let next = 0
  return {
    warmUps: 0,
    async round() {
      const shown = all.slice(next % all.length).slice(0, 1)
      next += 1
      await keeper.show(directory, shown)
      await eventually(async () => (await client.listDrivers()).drivers.length > 1)
      const measured = await plugs(client, row)
      await keeper.hide(shown.map(({ name }) => name))
      return measured
    },
  }
}

async function plugs(client: ConetClient, row: string): Promise<Measured[]> {
  const measured: Measured[] = []
  for (let count = -warmUpPlugs; count < plugsARound; count++) {
    let endpoint = ''
    const ms = await timed(async () => {
      endpoint = (await client.plug(handle, { network })).id
    })
    await client.unplug({ handle, endpoint })
    if (count >= 0) measured.push([row, ms])
  }
  return measured
}
