// Hosts as network namespaces that an underlay joins, which is a bridge of the test's own. The test is conetd on each of
// them, and the directory. At its end nothing may be left on any host.
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { type Network, type PlugParams, Rollback } from '@conet/sdk'
import { expect } from 'vitest'
import { NamespaceFixture } from '../../support/namespace-fixture.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'
import { sh } from '../bridge/bridge-fixture.ts'
import { VxlanHost } from './vxlan-host.ts'

export const idOf = (word: string) => createHash('sha256').update(word).digest('hex')
export const tunnelNameOf = ({ id }: Pick<Network, 'id'>) => `cnt${id.slice(0, 12)}`
export const bridgeNameOf = ({ id }: Pick<Network, 'id'>) => `cnx${id.slice(0, 12)}`

export type ClusterOptions = {
  readonly hosts?: number
  readonly family?: 4 | 6
  readonly underlayMtu?: number
}

const underlay = 'under0'

let segmentId = 100

export function network(word: string, overrides: Partial<Network> = {}): Network {
  segmentId += 1
  const subnets = [
    { subnet: '10.1.0.0/16', gateway: '10.1.0.1' },
    { subnet: 'fd00:1::/64', gateway: 'fd00:1::1' },
  ]
  return {
    id: idOf(word),
    name: word,
    labels: {},
    internal: false,
    segmentId,
    subnets,
    config: {},
    ...overrides,
  }
}

export class VxlanCluster implements AsyncDisposable {
  readonly namespaces = new NamespaceFixture()
  readonly hosts: VxlanHost[] = []
  readonly #directory: TemporaryDirectory
  readonly #before = new Map<string, string>()
  #version = 0

  private constructor(directory: TemporaryDirectory) {
    this.#directory = directory
  }

  static async start({
    hosts = 2,
    family = 4,
    underlayMtu = 1500,
  }: ClusterOptions = {}): Promise<VxlanCluster> {
    const cluster = new VxlanCluster(await temporaryDirectory())
    await using undo = new Rollback()
    undo.defer('end the cluster', () => cluster[Symbol.asyncDispose]())
    sh(
      `ip link add ${underlay} mtu ${underlayMtu} type bridge mcast_snooping 0; ip link set ${underlay} addrgenmode none up`,
    )
    for (let number = 1; number <= hosts; number += 1) cluster.#addHost(number, { family, underlayMtu })
    await Promise.all(cluster.hosts.map((host) => host.start()))
    undo.commit()
    return cluster
  }

  host(number: number): VxlanHost {
    const host = this.hosts[number - 1]
    if (host === undefined) throw new Error(`there is no host ${number}`)
    return host
  }

  async create(wanted: Network): Promise<Network> {
    await Promise.all(this.hosts.map((host) => host.create(wanted)))
    return wanted
  }

  /** A new sandbox on a host, plugged into a network; the others are not told. */
  async join(number: number, into: Network, sandbox: string, part: number): Promise<PlugParams> {
    this.namespaces.make(sandbox)
    this.namespaces.exec(sandbox, 'ip link set lo up')
    const params = this.params(into, sandbox, part)
    await this.host(number).plug(params)
    return params
  }

  params(into: Network, sandbox: string, part: number, mac = part): PlugParams {
    const addresses = into.subnets.map(({ subnet }) => {
      const [base = '', length] = subnet.split('/')
      return `${base.replace(/(\.0|::)$/, (end) => (end === '::' ? '::' : '.'))}${part}/${length}`
    })
    const macAddress = `02:42:00:00:00:${mac.toString(16).padStart(2, '0')}`
    return {
      network: into,
      endpointId: idOf(`${into.name}-${sandbox}`),
      container: { handle: sandbox, labels: {} },
      interface: { name: 'eth0', macAddress, addresses, defaultRoute: true, routes: [] },
      options: {},
      sandbox: { id: sandbox, path: this.namespaces.path(sandbox) },
    }
  }

  /** Tells each host who of the network is on the others: a snapshot in one batch. */
  async tell({ id: networkId, ...rest }: Network): Promise<void> {
    const network = { id: networkId, ...rest }
    this.#version += 1
    const version = `v${this.#version}`
    await Promise.all(
      this.hosts.map((host) => {
        const set = this.hosts.filter((other) => other !== host).flatMap((other) => other.peersOf(network))
        return host.client.call('network/peers', {
          networkId,
          base: null,
          version,
          more: false,
          remove: [],
          set,
        })
      }),
    )
  }

  exec(sandbox: string, command: string): string {
    return this.namespaces.exec(sandbox, command)
  }

  ping(sandbox: string, address: string, options = ''): boolean {
    return this.succeeds(sandbox, `ping -q -c1 -W2 ${options} ${address} >/dev/null 2>&1`)
  }

  cannotPing(sandbox: string, address: string, options = ''): boolean {
    return this.succeeds(sandbox, `! ping -q -c1 -W0.3 ${options} ${address} >/dev/null 2>&1`)
  }

  succeeds(sandbox: string, command: string): boolean {
    return this.exec(sandbox, `${command} && echo yes || echo no`).trim() === 'yes'
  }

  /** Ends what a test has on the hosts, for the next one: their drivers go on. Nothing may be left. */
  async clear(...sandboxes: readonly string[]): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.clear()))
    for (const sandbox of sandboxes) this.namespaces.delete(sandbox)
    expect(this.#pictures()).toEqual(this.#before)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.hosts.map((host) => host[Symbol.asyncDispose]()))
    const after = this.#pictures()
    // The kernel takes a namespace apart when it likes, and the other end of a veth with it.
    const ends = this.hosts.map((_, index) => `up${index + 1}`)
    sh([...ends, underlay].map((name) => `ip link delete ${name}`).join('\n'))
    await setImmediate()
    this.namespaces[Symbol.dispose]()
    await this.#directory[Symbol.asyncDispose]()
    expect(after).toEqual(this.#before)
  }

  #pictures(): Map<string, string> {
    return new Map(this.hosts.map((host) => [host.name, pictureOf(host)]))
  }

  #addHost(
    number: number,
    { family, underlayMtu }: Required<Pick<ClusterOptions, 'family' | 'underlayMtu'>>,
  ): void {
    const name = `host${number}`
    this.namespaces.make(name)
    const path = this.namespaces.path(name)
    sh(`ip link add up${number} mtu ${underlayMtu} type veth peer name eth0 mtu ${underlayMtu} netns ${path}
        ip link set up${number} addrgenmode none; ip link set up${number} master ${underlay} up`)
    this.namespaces.exec(
      name,
      `ip link set lo up; ip link set eth0 addrgenmode none; ip link set eth0 up
       ip address add 192.0.2.${number}/24 dev eth0; ip address add 2001:db8::${number}/64 dev eth0 nodad`,
    )
    const underlayAddress = family === 4 ? `192.0.2.${number}` : `2001:db8::${number}`
    const { namespaces } = this
    const host = new VxlanHost({ name, underlayAddress, namespaces, directory: this.#directory.path })
    this.hosts.push(host)
    this.#before.set(name, pictureOf(host))
  }
}

/** What a host could keep; not what follows from forwarding, which stays on, nor from its own address, which comes late. */
function pictureOf(host: VxlanHost): string {
  return host.exec(
    `ip -br link | cut -d" " -f1; ip -br address | tr -s " "; ip route show table all | grep -v -e ^anycast -e '^local 2001:db8:'
     bridge fdb | grep -v "self permanent" || true; ip rule; nft list ruleset`,
  )
}
