// Hosts of one cluster and its store, each a real process, with a driver whose networks span hosts.
import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import type { EndpointView, NetworkView } from '@conet/sdk/client'
import { expect } from 'vitest'
import { ConetdFixture } from './conetd-fixture.ts'
import { conetProgram } from './conetd-process.ts'
import { EtcdProcess } from './etcd-process.ts'
import { eventually } from './eventually.ts'
import type { FakeDriver } from './fake-driver.ts'
import type { FakePlan } from './fake-driver-plan.ts'

const schemas: NonNullable<FakePlan['schemas']> = {
  scope: 'global',
  segments: { minimum: 1, maximum: 99_999, configMember: 'vni' },
  policySchema: { type: 'object', properties: { rate: { type: 'integer' } } },
  ports: { policyMember: 'net_in' },
}
const offers = ['endpoint/policy'] as const

/** How a host shows the store who it is: keys of the configuration. */
export type StoreAccess = Partial<Record<'ca' | 'cert' | 'key' | 'user' | 'password_file', string>> & {
  readonly insecure_skip_tls_verify?: boolean
}

export type HostOptions = {
  readonly access?: StoreAccess
  /** Of its conetd. */
  readonly environment?: Readonly<Record<string, string>>
}

/** A host with its driver `span`, which records what it is told and makes nothing. */
export class ClusterHost implements AsyncDisposable {
  readonly name: string
  readonly fixture: ConetdFixture
  readonly driver: FakeDriver

  private constructor(name: string, fixture: ConetdFixture, driver: FakeDriver) {
    this.name = name
    this.fixture = fixture
    this.driver = driver
  }

  /** `n` is the last number of its underlay address. */
  static async start(
    store: string,
    name: string,
    n: number,
    options: HostOptions = {},
  ): Promise<ClusterHost> {
    const { access = {}, environment = {} } = options
    giveUnderlayAddresses()
    const cluster = { store, node: name, underlay_address: `192.0.2.${n}`, block_bits: 4, ...access }
    const fixture = await ConetdFixture.start({ config: { cluster }, environment, hasNeighbours: true })
    return new ClusterHost(
      name,
      fixture,
      await fixture.startFakeDriver({ name: 'span', plan: { schemas, offers } }),
    )
  }

  get client() {
    return this.fixture.client
  }

  /** What its driver does from now on. */
  plan(methods: FakePlan['methods'] = {}): void {
    this.driver.plan({ schemas, offers, methods })
  }

  /** What the command line prints. */
  async conet(...argv: string[]): Promise<string> {
    const socket = ['--socket', this.fixture.conetd.socket]
    const { stdout } = await promisify(execFile)(process.execPath, [conetProgram, ...socket, ...argv])
    return stdout
  }

  /** Waits until it knows the network. */
  knows(name: string): Promise<NetworkView> {
    return eventually(() => this.client.getNetwork(name), { timeoutMs: 15_000 })
  }

  /** A container that runs, plugged into the network. */
  async plug(handle: string, network: string): Promise<EndpointView> {
    await this.run(handle)
    return this.client.plug(handle, { network })
  }

  async run(handle: string): Promise<void> {
    await this.client.putContainerConfig(handle, { attach_to: [] })
    await this.client.up(handle)
  }

  /** The parameters of the calls that its driver has served, from one of its records on. */
  served<T>(method: string, from = 0): T[] {
    const records = this.driver.records().slice(from)
    const ended = records.filter((record) => record.event === 'end' && record.method === method)
    return ended.map(({ params }) => JSON.parse(JSON.stringify(params)))
  }

  /** What its driver knows of endpoints on other hosts: id, first address, tunnel address. */
  peers(from = 0): string[][] {
    const held = new Map<string, string[]>()
    for (const { beginsSnapshot, remove, set } of this.served<Batch>('network/peers', from)) {
      if (beginsSnapshot) held.clear()
      for (const id of remove) held.delete(id)
      for (const { endpointId, addresses, tunnelAddress } of set)
        held.set(endpointId, [endpointId, addresses[0] ?? '', tunnelAddress])
    }
    return [...held.values()]
  }

  /** Codes of what its status finds. */
  async findings(): Promise<string[]> {
    return (await this.client.status()).findings.map(({ code }) => code)
  }

  async removeContainers(): Promise<void> {
    const { containers } = await this.client.listContainers()
    for (const { handle } of containers) await this.client.deleteContainer(handle)
    await this.fixture.settled()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.fixture[Symbol.asyncDispose]()
  }
}

/** All at once, before anybody looks what the kernel has. They go with the namespace of the test. */
function giveUnderlayAddresses(): void {
  const each = 'ip address replace 192.0.2.$n/32 dev lo'
  execFileSync('sh', ['-ec', `for n in 1 2 3 4 5 6 7 8 9; do ${each}; done`])
}

/** What the fake driver is told of peers of one network; tests have one network with members at a time. */
type Batch = {
  beginsSnapshot: boolean
  remove: string[]
  set: { endpointId: string; addresses: string[]; tunnelAddress: string }[]
}

export class ClusterFixture implements AsyncDisposable {
  readonly etcd: EtcdProcess
  readonly hosts: ClusterHost[] = []

  private constructor(etcd: EtcdProcess) {
    this.etcd = etcd
  }

  static async start(names: readonly string[]): Promise<ClusterFixture> {
    const cluster = new ClusterFixture(await EtcdProcess.start())
    for (const [index, name] of names.entries()) {
      const store = `etcd://${cluster.etcd.endpoint}`
      cluster.hosts.push(await ClusterHost.start(store, name, index + 1))
    }
    return cluster
  }

  /** Two hosts, which are named so. */
  static async ofTwo(): Promise<{ cluster: ClusterFixture; one: ClusterHost; two: ClusterHost }> {
    const cluster = await ClusterFixture.start(['one', 'two'])
    const [one, two] = cluster.hosts
    if (one === undefined || two === undefined) throw new Error('the hosts are not there')
    return { cluster, one, two }
  }

  /** Keys in the store below that prefix. */
  async keys(below = ''): Promise<string[]> {
    const text = await this.etcd.control('get', '--prefix', `/conet/v1/${below}`, '--keys-only')
    return text.split('\n').filter((key) => key !== '')
  }

  /** As people would clean up; nothing but the hosts is in the store then. */
  async removeEverything(): Promise<void> {
    for (const host of this.hosts) await host.removeContainers()
    const [first, ...others] = this.hosts
    // That the other hosts have nothing any more may be on its way to the store for a moment.
    await eventually(() => first?.fixture.removeEverything(), { timeoutMs: 15_000 })
    for (const { client } of others)
      await eventually(async () => expect((await client.listNetworks()).networks).toEqual([]), {
        timeoutMs: 15_000,
      })
    await eventually(async () => {
      const left = (await this.keys()).filter(
        (key) => !/\/(generation$|loss$|awaiting$|progress\/|nodes\/|alive\/)/.test(key),
      )
      expect(left).toEqual([])
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.hosts.toReversed()) await host[Symbol.asyncDispose]()
    await this.etcd[Symbol.asyncDispose]()
  }
}

/** The first address of an endpoint, without its prefix length. */
export function addressOf({ interfaces: [first] }: EndpointView): string {
  return first?.addresses[0]?.split('/')[0] ?? ''
}
