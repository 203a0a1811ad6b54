// Machines as network namespaces that an underlay joins, which is a bridge of the test's own; on each a conetd with the
// vxlan driver, and one etcd for all. Whoever starts them ends them.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Rollback } from '@conet/sdk'
import type { ConetClient, EndpointView } from '@conet/sdk/client'
import { withoutLooks } from './conetd-fixture.ts'
import { ConetdProcess } from './conetd-process.ts'
import { EtcdProcess } from './etcd-process.ts'
import { eventually } from './eventually.ts'
import { NamespaceFixture } from './namespace-fixture.ts'
import { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.ts'

const underlay = 'under0'
const storeAddress = '192.0.2.254'

export class UnderlayHost {
  readonly name: string
  readonly conetd: ConetdProcess
  readonly client: ConetClient

  constructor(name: string, conetd: ConetdProcess) {
    this.name = name
    this.conetd = conetd
    this.client = conetd.client()
  }

  /** A container that runs, plugged into the network once the host knows it. */
  async plug(handle: string, network: string): Promise<EndpointView> {
    await eventually(() => this.client.getNetwork(network), { timeoutMs: 10_000 })
    await this.client.putContainerConfig(handle, { attach_to: [] })
    await this.client.up(handle)
    return this.client.plug(handle, { network })
  }

  /** Runs a command in the network namespace of a container. */
  async inside(handle: string, command: string): Promise<string> {
    const { sandbox } = await this.client.getContainer(handle)
    return run(`nsenter --net=${sandbox?.path} ${command}`)
  }
}

export class UnderlayHosts implements AsyncDisposable {
  readonly hosts: UnderlayHost[] = []
  readonly etcd: EtcdProcess
  readonly #namespaces = new NamespaceFixture()
  readonly #directory: TemporaryDirectory

  private constructor(etcd: EtcdProcess, directory: TemporaryDirectory) {
    this.etcd = etcd
    this.#directory = directory
  }

  static async start(count: number): Promise<UnderlayHosts> {
    run(`ip link add ${underlay} type bridge mcast_snooping 0; ip link set ${underlay} addrgenmode none up
         ip address add ${storeAddress}/24 dev ${underlay}`)
    const etcd = await EtcdProcess.start({ address: storeAddress })
    const all = new UnderlayHosts(etcd, await temporaryDirectory())
    await using undo = new Rollback()
    undo.defer('end the hosts', () => all[Symbol.asyncDispose]())
    for (let number = 1; number <= count; number += 1) all.#add(number)
    await Promise.all(all.hosts.map(({ conetd }) => conetd.start()))
    undo.commit()
    return all
  }

  /** Counted from 1. */
  host(number: number): UnderlayHost {
    const found = this.hosts[number - 1]
    if (found === undefined) throw new Error(`there is no host ${number}`)
    return found
  }

  async removeContainers(): Promise<void> {
    for (const { client } of this.hosts) {
      const { containers } = await client.listContainers()
      for (const { handle } of containers) await client.deleteContainer(handle)
    }
  }

  /** The path of a host's network namespace. */
  namespaceOf(host: UnderlayHost): string {
    return this.#namespaces.path(host.name)
  }

  /** Runs a command in the network namespace of a host. */
  on(host: UnderlayHost, command: string): string {
    return this.#namespaces.exec(host.name, command)
  }

  /** From the others and from the store, as when a switch between them fails: its own link stays up. */
  cut(host: UnderlayHost): void {
    run(`ip link set ${this.#endOf(host)} nomaster`)
  }

  heal(host: UnderlayHost): void {
    run(`ip link set ${this.#endOf(host)} master ${underlay}`)
  }

  #endOf(host: UnderlayHost): string {
    return `up${this.hosts.indexOf(host) + 1}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client, conetd } of this.hosts) {
      await client.close()
      await conetd[Symbol.asyncDispose]()
    }
    await this.etcd[Symbol.asyncDispose]()
    // The kernel takes a namespace apart when it likes, and the other end of a veth with it.
    const ends = this.hosts.map((_, index) => `up${index + 1}`)
    run([...ends, underlay].map((name) => `ip link delete ${name}`).join('\n'))
    await setImmediate()
    this.#namespaces[Symbol.dispose]()
    await this.#directory[Symbol.asyncDispose]()
  }

  #add(number: number): void {
    const name = `host${number}`
    this.#namespaces.make(name)
    const path = this.#namespaces.path(name)
    run(`ip link add up${number} type veth peer name eth0 netns ${path}
         ip link set up${number} addrgenmode none; ip link set up${number} master ${underlay} up`)
    this.#namespaces.exec(
      name,
      `ip link set lo up; ip link set eth0 addrgenmode none up; ip address add 192.0.2.${number}/24 dev eth0`,
    )
    const directory = join(this.#directory.path, name)
    mkdirSync(directory)
    const cluster = ['--cluster', `etcd://${this.etcd.endpoint}`, '--node', name]
    const config = join(directory, 'config.json')
    writeFileSync(config, JSON.stringify(withoutLooks({})))
    const flags = [...cluster, '--underlay-address', `192.0.2.${number}`, '--config', config]
    const through = ['nsenter', `--net=${path}`]
    this.hosts.push(
      new UnderlayHost(name, new ConetdProcess({ directory, spawn: ['vxlan'], flags, through })),
    )
  }
}

function run(command: string): string {
  return execFileSync('sh', ['-ec', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
