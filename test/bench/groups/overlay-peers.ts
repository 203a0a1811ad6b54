// The directory of a network in the kernel: 10,000 peers told to the vxlan driver, against the same entries by `bridge -batch`
// and `ip -batch`; and one peer more, with that many and with none.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { peerBatches } from '@conet/host/lifecycle/peer-batches'
import type { Network } from '@conet/sdk'
import { VxlanHost } from '../../kernel/vxlan/vxlan-host.ts'
import { NamespaceFixture } from '../../support/namespace-fixture.ts'
import { interleave, type Side } from '../interleave.ts'
import { timed, timedSync } from '../samples.ts'
import { type Group, workplace } from './group.ts'

const many = 10_000
const rounds = 10
/** Of one peer more in a round. */
const singles = 10

type Entry = {
  endpointId: string
  macAddress: string
  addresses: string[]
  tunnelAddress: string
  container: string
}

const idOf = (word: string) => createHash('sha256').update(word).digest('hex')

function peer(number: number): Entry {
  const hex = number
    .toString(16)
    .padStart(8, '0')
    .replace(/(..)(?=.)/g, '$1:')
  const addresses = [`10.${64 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`]
  const tunnelAddress = `192.0.2.${2 + (number % 200)}`
  return {
    endpointId: idOf(`${number}`),
    macAddress: `02:42:${hex}`,
    addresses,
    tunnelAddress,
    container: '',
  }
}

const peers = Array.from({ length: many }, (_, number) => peer(number + 2))

function network(word: string, number: number): Network {
  const subnets = [{ subnet: '10.64.0.0/10', gateway: '10.64.0.1' }]
  const common = {
    labels: {},
    internal: true,
    config: {},
    subnets: subnets.map(({ subnet }) => ({ subnet })),
  }
  return { id: idOf(word), name: word, segmentId: number, ...common }
}

/** What is told to a driver, as conetd tells it. */
class Directory {
  readonly #host: VxlanHost
  readonly #network: Network
  #version = 0
  #held: string | null = null

  constructor(host: VxlanHost, of: Network) {
    this.#host = host
    this.#network = of
  }

  /** The whole of it is this. */
  snapshot(set: readonly Entry[]): Promise<void> {
    this.#held = null
    return this.#tell([], set)
  }

  change(remove: readonly string[], set: readonly Entry[]): Promise<void> {
    return this.#tell(remove, set)
  }

  async #tell(remove: readonly string[], set: readonly Entry[]): Promise<void> {
    this.#version += 1
    const version = `v${this.#version}`
    for (const batch of peerBatches({ base: this.#held, version, remove, set }, 4 * 1024 * 1024))
      await this.#host.client.call('network/peers', { networkId: this.#network.id, ...batch })
    this.#held = version
  }
}

export const overlayPeers: Group = {
  rows: ['ip-batch-10000', 'peers-10000', 'peer-in-empty', 'peer-10001st'],
  async measure(run) {
    await using place = await workplace()
    using namespaces = new NamespaceFixture()
    for (const name of ['driver', 'hand']) {
      namespaces.make(name)
      namespaces.exec(
        name,
        'ip link add eth0 type veth peer name far0; ip link set far0 up; ip link set eth0 up; ip address add 192.0.2.1/24 dev eth0',
      )
    }
    const underlayAddress = '192.0.2.1'
    await using host = new VxlanHost({
      name: 'driver',
      underlayAddress,
      namespaces,
      directory: place.directory,
    })
    await host.start()
    const [full, empty, cold] = ['full', 'empty', 'cold'].map((word, n) => network(word, n + 1))
    if (full === undefined || empty === undefined || cold === undefined) return
    for (const made of [full, empty, cold]) await host.create(made)
    const directories = { full: new Directory(host, full), empty: new Directory(host, empty) }
    await directories.full.snapshot(peers)
    await directories.empty.snapshot([])
    const sides: Side[] = [
      { warmUps: 1, round: () => fromCold(new Directory(host, cold)) },
      { warmUps: 0, round: byHand(namespaces, place.directory) },
      { warmUps: 2, round: () => oneMore(directories.empty, 'peer-in-empty') },
      { warmUps: 2, round: () => oneMore(directories.full, 'peer-10001st') },
    ]
    const { signal, progress } = run
    await interleave(sides, run.samples, { rounds, signal, progress, title: 'peers of an overlay' })
    await directories.full.snapshot([])
  },
}

async function fromCold(directory: Directory): Promise<[string, number][]> {
  const took = await timed(() => directory.snapshot(peers))
  await directory.snapshot([])
  return [['peers-10000', took]]
}

async function oneMore(directory: Directory, row: string): Promise<[string, number][]> {
  const measured: [string, number][] = []
  for (let n = 0; n < singles; n++) {
    const one = peer(100_000 + n)
    measured.push([row, await timed(() => directory.change([], [one]))])
    await directory.change([one.endpointId], [])
  }
  return measured
}

/** The same entries by the programs that an administrator has, on a bridge and a tunnel of their own. */
function byHand(namespaces: NamespaceFixture, directory: string): Side['round'] {
  const files = { forwarding: join(directory, 'forwarding'), neighbours: join(directory, 'neighbours') }
  const forwarding = peers.flatMap(({ macAddress, tunnelAddress }) => [
    `fdb replace ${macAddress} dev vx0 dst ${tunnelAddress} self`,
    `fdb replace ${macAddress} dev vx0 master`,
  ])
  const neighbours = peers.map(
    ({ macAddress, addresses: [address] }) =>
      `neigh replace ${address} lladdr ${macAddress} dev br0 nud permanent`,
  )
  writeFileSync(files.forwarding, `${forwarding.join('\n')}\n`)
  writeFileSync(files.neighbours, `${neighbours.join('\n')}\n`)
  return async () => {
    namespaces.exec(
      'hand',
      `ip link add br0 type bridge mcast_snooping 0; ip link set br0 up
       ip link add vx0 type vxlan id 9 dstport 4789 local 192.0.2.1 nolearning
       ip link set vx0 master br0 up`,
    )
    const run = (program: string, file: string) =>
      execFileSync('nsenter', [`--net=${namespaces.path('hand')}`, program, '-batch', file])
    const took = timedSync(() => {
      run('bridge', files.forwarding)
      run('ip', files.neighbours)
    })
    namespaces.exec('hand', 'ip link delete vx0; ip link delete br0')
    return [['ip-batch-10000', took]]
  }
}
