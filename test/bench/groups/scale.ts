// The 1,000th endpoint of a network against the 10th of another, and what conetd weighs with that many.
import { readFile } from 'node:fs/promises'
import type { ConetClient } from '@conet/sdk/client'
import { ConetdProcess } from '../../support/conetd-process.ts'
import { Floor } from '../floor.ts'
import { inParallel } from '../in-parallel.ts'
import { interleave, type Side } from '../interleave.ts'
import { conetPlugger } from '../turns/conet.ts'
import { floorPlugger } from '../turns/floor.ts'
import { type Plugger, turns } from '../turns/turns.ts'
import { type Group, type Run, workplace } from './group.ts'

const rounds = 100
const large = { network: 'large', others: 999 }
const small = { network: 'small', others: 9 }
const atOnce = 16

export const scale: Group = {
  rows: ['floor-plug-10th', 'floor-plug-1000th', 'bridge-plug-10th', 'bridge-plug-1000th', 'conetd-rss'],
  async measure(run) {
    await using place = await workplace()
    await using conetd = await ConetdProcess.start({ directory: place.directory, spawn: ['bridge'] })
    await using client = conetd.client(atOnce)
    for (const { network } of [large, small]) await client.createNetwork({ name: network, type: 'bridge' })
    const handles = [...namesOf(large), ...namesOf(small)]
    try {
      await inParallel(atOnce, handles, async (handle, index) => {
        run.signal.throwIfAborted()
        if (index % 50 === 0) run.progress(`scale: endpoint ${index} of ${handles.length}`)
        await client.putContainerConfig(handle, { attach_to: [handle.split('-')[0] ?? ''] })
        await client.up(handle)
      })
      using few = new Floor(place.namespaces, { name: 'few', sandboxes: 1, others: small.others })
      using many = new Floor(place.namespaces, { name: 'many', sandboxes: 1, others: large.others })
      await measureWindows(run, { client, pid: conetd.pid, few, many })
    } finally {
      run.progress('scale: cleaning up')
      await removeAll(client, handles)
    }
  },
}

type Measured = {
  readonly client: ConetClient
  readonly pid: number
  readonly few: Floor
  readonly many: Floor
}

async function measureWindows(run: Run, { client, pid, few, many }: Measured): Promise<void> {
  const pluggers = [
    floorPlugger(few, { plug: 'floor-plug-10th' }),
    floorPlugger(many, { plug: 'floor-plug-1000th' }),
    await lastEndpoint(client, small.network, 'bridge-plug-10th'),
    await lastEndpoint(client, large.network, 'bridge-plug-1000th'),
  ]
  const sides: Side[] = [
    turns(pluggers, { endpoints: 1, warmUps: 10 }),
    { warmUps: 0, round: async () => [['conetd-rss', await residentMegabytes(pid)]] },
  ]
  const { signal, progress } = run
  await interleave(sides, run.samples, { rounds, signal, progress, title: 'scale' })
}

/** A container outside the network, whose plug is the one that counts. */
async function lastEndpoint(client: ConetClient, network: string, row: string): Promise<Plugger> {
  const handle = lastOf(network)
  await client.putContainerConfig(handle, { attach_to: [] })
  await client.up(handle)
  return conetPlugger({ client, handles: [handle], network, rows: { plug: row } })
}

async function removeAll(client: ConetClient, handles: readonly string[]): Promise<void> {
  const all = [...handles, lastOf(large.network), lastOf(small.network)]
  await inParallel(atOnce, all, (handle) =>
    client.deleteContainer(handle).then(() => undefined, ignoreUnknown),
  )
  for (const { network } of [large, small]) await client.deleteNetwork(network)
}

/** Not all of them exist when the measurement was cut short. */
function ignoreUnknown(error: unknown): void {
  if (!(error instanceof Error && 'kind' in error && error.kind === 'notFound')) throw error
}

function namesOf({ network, others }: { network: string; others: number }): string[] {
  return Array.from({ length: others }, (_, index) => `${network}-${index}`)
}

function lastOf(network: string): string {
  return `last-of-${network}`
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no VmRSS`)
  return Number(kibibytes) / 1024
}
