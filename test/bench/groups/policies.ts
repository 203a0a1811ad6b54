// What a policy costs through conetd: an `up` with one against an `up` without, the 1,000th container's against the 10th's, and
// a port against Debian's CNI plugin for ports.
import type { ConetClient } from '@conet/sdk/client'
import { ConetdProcess } from '../../support/conetd-process.ts'
import { Cni, portmapIsAbsent } from '../cni.ts'
import { inParallel } from '../in-parallel.ts'
import { interleave, type Measured, type Side } from '../interleave.ts'
import { timed, timedSync } from '../samples.ts'
import { type Group, type Run, wantsAny, workplace } from './group.ts'

const rounds = 40
const atOnce = 8
const network = 'policed'
const few = 10
const many = 1000

type Policy = Record<string, unknown>

/** Ten rules that nobody else has. */
const tenRules = (own: number) =>
  Array.from({ length: 10 }, (_, at) => {
    return {
      protocol: 'tcp',
      networks: [`192.${at}.0.0/16`],
      ports: [{ start: 1 + ((own * 10 + at) % 60_000) }],
    }
  })

const twoPorts = [{ container_port: 80 }, { protocol: 'udp', container_port: 53 }]

export const policies: Group = {
  rows: ['bridge-up', 'bridge-up-policy', 'port-map', 'cni-portmap', 'policy-10th', 'policy-1000th'],
  async measure(run) {
    await using place = await workplace()
    await using conetd = await ConetdProcess.start({ directory: place.directory, spawn: ['bridge'] })
    await using client = conetd.client(atOnce)
    await client.createNetwork({ name: network, type: 'bridge', config: { egress: 'deny' } })
    const handles = ['probe', ...Array.from({ length: many }, (_, at) => `policed-${at}`)]
    for (const handle of handles.slice(0, few)) await putUp(client, handle, handles.indexOf(handle))
    try {
      await inTurns(run, client, place.namespaces)
      if (!wantsAny(run, 'policy-10th', 'policy-1000th')) return
      await measureOne(run, client, 'policy-10th')
      await inParallel(atOnce, handles.slice(few, many), async (handle, at) => {
        run.signal.throwIfAborted()
        if (at % 50 === 0) run.progress(`policies: container ${at + few} of ${many}`)
        await putUp(client, handle, at + few)
      })
      await measureOne(run, client, 'policy-1000th')
    } finally {
      run.progress('policies: cleaning up')
      await inParallel(atOnce, handles, async (handle) => {
        await client.deleteContainer(handle).catch(() => undefined)
      })
      await client.deleteNetwork(network)
    }
  },
}

async function putUp(client: ConetClient, handle: string, own: number): Promise<void> {
  await client.putContainerConfig(handle, { attach_to: [network] })
  await client.up(handle)
  await putPolicy(client, handle, { net_out: tenRules(own) })
}

function putPolicy(client: ConetClient, handle: string, policy: Policy) {
  return client.putContainerPolicy(handle, { networks: { [network]: policy } })
}

/** A document that is new each time. */
async function measureOne(run: Run, client: ConetClient, row: string): Promise<void> {
  let own = 3000
  const round = async (): Promise<Measured[]> => {
    const net_out = tenRules(++own)
    return [[row, await timed(() => putPolicy(client, 'probe', { net_out }))]]
  }
  const { signal, progress } = run
  await interleave([{ warmUps: 40, round }], run.samples, { rounds, signal, progress, title: row })
}

async function inTurns(run: Run, client: ConetClient, namespaces: string): Promise<void> {
  const sides: Side[] = [
    { warmUps: 30, round: () => up(client, 'bridge-up', undefined) },
    {
      warmUps: 30,
      round: () => up(client, 'bridge-up-policy', { net_in: twoPorts, net_out: tenRules(2000) }),
    },
    { warmUps: 150, round: () => port(client) },
  ]
  const reason = portmapIsAbsent()
  if (reason !== undefined) run.absent.set('cni-portmap', reason)
  using cni = reason === undefined ? new Cni(namespaces, 1) : undefined
  if (cni !== undefined) {
    sides.push({
      warmUps: 1,
      round: async () => {
        const took = timedSync(() => cni.addPort(8080))
        cni.deletePort(8080)
        return [['cni-portmap', took]]
      },
    })
  }
  const { signal, progress } = run
  await interleave(sides, run.samples, { rounds, signal, progress, title: 'policies' })
}

async function up(client: ConetClient, row: string, policy: Policy | undefined): Promise<Measured[]> {
  await client.putContainerConfig(row, { attach_to: [network] })
  if (policy !== undefined) await putPolicy(client, row, policy)
  const took = await timed(() => client.up(row))
  await client.deleteContainer(row)
  return [[row, took]]
}

async function port(client: ConetClient): Promise<Measured[]> {
  await putPolicy(client, 'probe', {})
  return [['port-map', await timed(() => putPolicy(client, 'probe', { net_in: [{ container_port: 80 }] }))]]
}
