// A hundred at once through conet, against a hundred in a row with the kernel toolkit alone.
import { Rollback } from '@conet/sdk'
import type { ConetClient } from '@conet/sdk/client'
import { ConetdProcess } from '../../support/conetd-process.ts'
import { Floor } from '../floor.ts'
import { interleave, type Side } from '../interleave.ts'
import { timed, timedSync } from '../samples.ts'
import { type Group, workplace } from './group.ts'

const rounds = 7
const size = 100
const network = 'burst'
const numbers = Array.from({ length: size }, (_, number) => number)

export const bursts: Group = {
  rows: ['floor-plug-100', 'floor-unplug-100', 'bridge-plug-100', 'bridge-unplug-100'],
  async measure(run) {
    await using place = await workplace()
    using floor = new Floor(place.namespaces, { sandboxes: size })
    await using conetd = await ConetdProcess.start({ directory: place.directory, spawn: ['bridge'] })
    // As many connections as calls: the clients of a burst are different processes.
    await using client = conetd.client(size)
    await using undo = new Rollback()
    const handles = await makeContainers(client, undo)
    await interleave([floorSide(floor), burstSide(client, handles)], run.samples, {
      rounds,
      signal: run.signal,
      progress: run.progress,
      title: 'bursts',
    })
  },
}

async function makeContainers(client: ConetClient, undo: Rollback): Promise<string[]> {
  const handles = numbers.map((number) => `burst-${number}`)
  undo.defer('remove the containers', async () => {
    await Promise.all(handles.map((handle) => client.deleteContainer(handle)))
    await client.deleteNetwork(network)
  })
  await client.createNetwork({ name: network, type: 'bridge' })
  for (const handle of handles) {
    await client.putContainerConfig(handle, { attach_to: [] })
    await client.up(handle)
  }
  return handles
}

function floorSide(floor: Floor): Side {
  const plugAll = () => {
    for (const number of numbers) floor.plug(number)
  }
  const unplugAll = () => {
    for (const number of numbers) floor.unplug(number)
  }
  return {
    warmUps: 1,
    round: async () => [
      ['floor-plug-100', timedSync(plugAll)],
      ['floor-unplug-100', timedSync(unplugAll)],
    ],
  }
}

function burstSide(client: ConetClient, handles: readonly string[]): Side {
  return {
    warmUps: 2,
    async round() {
      let plugged: { handle: string; endpoint: string }[] = []
      const plugMs = await timed(async () => {
        plugged = await Promise.all(
          handles.map(async (handle) => ({ handle, endpoint: (await client.plug(handle, { network })).id })),
        )
      })
      const unplugMs = await timed(() => Promise.all(plugged.map((endpoint) => client.unplug(endpoint))))
      return [
        ['bridge-plug-100', plugMs],
        ['bridge-unplug-100', unplugMs],
      ]
    },
  }
}
