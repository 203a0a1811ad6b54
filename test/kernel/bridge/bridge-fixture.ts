// The bridge driver in this test's namespace, with sandboxes to plug into. At its end nothing of it may be left.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { bridgeDriver } from '@conet/driver-bridge'
import type { Call, Driver, EndpointRef, Network, PlugParams, PlugResult } from '@conet/sdk'
import { expect } from 'vitest'
import { inventory, type Shown, show, showOne } from '../../support/iproute.ts'
import { NamespaceFixture } from '../../support/namespace-fixture.ts'

/** 64 digits made of a word. */
export const idOf = (word: string) => createHash('sha256').update(word).digest('hex')

export const bridgeNameOf = ({ id }: Network) => `cnb${id.slice(0, 12)}`
export const portNameOf = ({ endpointId }: Pick<EndpointRef, 'endpointId'>) => `cnv${endpointId.slice(0, 12)}`

export function network(word: string, overrides: Partial<Network> = {}): Network {
  const subnets = [
    { subnet: '10.1.0.0/16', gateway: '10.1.0.1' },
    { subnet: 'fd00:1::/64', gateway: 'fd00:1::1' },
  ]
  return { id: idOf(word), name: word, labels: {}, internal: false, subnets, config: {}, ...overrides }
}

export function sh(command: string): string {
  return execFileSync('sh', ['-ec', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

export type Wanted = Partial<PlugParams['interface']> & { endpoint?: string }

/** A driver that leaves nothing of networks and endpoints to the SDK. */
type WholeDriver = Driver &
  Required<Pick<Driver, keyof Driver & `${string}${'Network' | 'Endpoint'}${string}`>>

export class BridgeFixture implements AsyncDisposable {
  readonly #before = stateOfMachine()
  readonly namespaces = new NamespaceFixture()
  driver: WholeDriver = bridgeDriver()
  /** What the driver has said it has mended. */
  readonly repaired: string[] = []
  readonly logged: string[] = []
  readonly #endpoints = new Map<string, EndpointRef>()
  readonly #networks = new Set<string>()

  static async start(): Promise<BridgeFixture> {
    const fixture = new BridgeFixture()
    await fixture.startDriver()
    return fixture
  }

  async startDriver(): Promise<void> {
    this.driver = bridgeDriver()
    await this.driver.start?.({
      identity: undefined,
      timeouts: undefined,
      role: 'active',
      event: () => undefined,
      log: ({ message }) => this.logged.push(message),
      readiness: () => undefined,
    })
    await this.driver.activate?.()
  }

  async restartDriver(): Promise<void> {
    await this.driver.stop?.()
    await this.startDriver()
  }

  call(): Call {
    return {
      operationId: 'op',
      attempt: 1,
      traceparent: undefined,
      tracestate: undefined,
      signal: new AbortController().signal,
      repaired: (what) => this.repaired.push(what),
      log: () => undefined,
      progress: () => undefined,
    }
  }

  sandbox(name: string): string {
    const namespace = this.namespaces.make(name)
    this.namespaces.exec(name, 'ip link set lo up')
    return namespace.path
  }

  async create(wanted: Network): Promise<Network> {
    this.#networks.add(wanted.id)
    await this.driver.createNetwork(wanted, this.call())
    return wanted
  }

  params(into: Network, sandbox: string, wanted: Wanted): PlugParams {
    const { endpoint = `${into.name}-${sandbox}`, addresses = [], ...rest } = wanted
    const bytes = (addresses[0] ?? '10.9.9.9/8').split('/')[0]?.split('.').map(Number) ?? []
    const macAddress = `02:42:${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`
    return {
      network: into,
      endpointId: idOf(endpoint),
      container: { handle: sandbox, labels: {} },
      interface: { name: 'eth0', macAddress, addresses, defaultRoute: true, routes: [], ...rest },
      options: {},
      sandbox: { id: sandbox, path: this.namespaces.path(sandbox) },
    }
  }

  async plug(params: PlugParams): Promise<PlugResult> {
    const { sandbox: _, ...endpoint } = params
    this.#endpoints.set(params.endpointId, { networkId: params.network.id, endpointId: params.endpointId })
    await this.driver.createEndpoint(endpoint, this.call())
    return await this.driver.plug(params, this.call())
  }

  /** A new sandbox, plugged into a network. */
  async join(into: Network, sandbox: string, wanted: Wanted): Promise<PlugParams> {
    this.sandbox(sandbox)
    const params = this.params(into, sandbox, wanted)
    await this.plug(params)
    return params
  }

  exec(sandbox: string, command: string): string {
    return this.namespaces.exec(sandbox, command)
  }

  /** One packet, and time to answer it. */
  ping(sandbox: string, address: string, options = ''): boolean {
    return this.succeeds(sandbox, `ping -q -c1 -W2 ${options} ${address} >/dev/null 2>&1`)
  }

  /** One packet that nobody answers soon. */
  cannotPing(sandbox: string, address: string, options = ''): boolean {
    return this.succeeds(sandbox, `! ping -q -c1 -W0.3 ${options} ${address} >/dev/null 2>&1`)
  }

  succeeds(sandbox: string, command: string): boolean {
    return this.exec(sandbox, `${command} && echo yes || echo no`).trim() === 'yes'
  }

  link(name: string): Shown {
    return showOne(`ip -d link show ${name}`)
  }

  /** Plays the outside: a namespace on a veth of the machine, with a way back by the machine. */
  outside(name = 'outside'): void {
    this.namespaces.make(name)
    sh(`ip link add up0 type veth peer name eth0 netns ${this.namespaces.path(name)}
        ip link set up0 addrgenmode none; ip link set up0 up; ip address add 192.0.2.1/24 dev up0
        ip address add 2001:db8::1/64 dev up0 nodad; ip address add fe80::1/64 dev up0 nodad`)
    this.exec(
      name,
      `ip link set lo up; ip link set eth0 addrgenmode none; ip link set eth0 up
       ip address add 192.0.2.2/24 dev eth0
       ip address add 2001:db8::2/64 dev eth0 nodad; ip address add fe80::2/64 dev eth0 nodad
       ip route add 10.0.0.0/8 via 192.0.2.1; ip route add fd00::/8 via 2001:db8::1`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#endpoints.values()].map((endpoint) => this.driver.deleteEndpoint(endpoint, this.call())),
    )
    for (const id of this.#networks) await this.driver.deleteNetwork(id, this.call())
    expect(await this.driver.listEndpoints(this.call())).toEqual([])
    expect(await this.driver.listNetworks(this.call())).toEqual([])
    await this.driver.stop?.()
    if (show('ip link show').some(({ ifname }) => ifname === 'up0')) sh('ip link delete up0')
    await setImmediate()
    this.namespaces[Symbol.dispose]()
    expect(stateOfMachine()).toEqual(this.#before)
  }
}

function stateOfMachine() {
  return { ...inventory(), ruleset: sh('nft list ruleset') }
}
