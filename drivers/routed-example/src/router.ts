// The network namespace that routes for one container. Its only interface in there leads here, and from here one uplink
// leads into each of its networks. Both sides hear of each other by proxy ARP: the container takes its neighbours to be on
// its own link, and they take it to be on theirs. IPv4.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { ConetError, type InterfaceRequest, type Rollback } from '@conet/sdk'
import * as linux from '@conet/sdk/linux'
import { nameBack } from './name-back.ts'

const directory = '/run/conet-routed'
/** The end of the pair whose other end is the container's interface. */
const inner = 'in'
/** The containers' addresses are the router's own, or no neighbour would answer its ARP; what comes for them goes on. */
const throughTable = 100
const rules = { through: 10, own: 20 } as const

/** The container's interface as it was made: `found` is what somebody may have made of it since. */
type SharedInterface = {
  readonly index: number
  readonly mtu: number
  readonly macAddress: string
  readonly found: linux.Link
}

/** An endpoint's uplink, what it wants, and the MAC of the container's interface. */
type Place = { readonly uplink: string; readonly wanted: InterfaceRequest; readonly macAddress: string }

export class Router implements Disposable {
  readonly path: string
  readonly #namespace: linux.Namespace
  readonly #rtnl: linux.Rtnl

  private constructor(path: string) {
    this.path = path
    this.#namespace = linux.Namespace.open(path)
    this.#rtnl = linux.Rtnl.openIn(this.#namespace)
  }

  /** By a key of its container; made if it is not there, with what is deferred to `undo`. */
  static of(key: string, undo: Rollback): Router {
    linux.prepareNamespaceDirectory(directory)
    const path = pathOf(key)
    if (linux.isNamespacePath(path)) return new Router(path)
    linux.deleteNamespace(path) // a crash may have left the file
    linux.makeNamespace(path)
    undo.defer(`delete ${path}`, () => linux.deleteNamespace(path))
    const router = new Router(path)
    router.#prepare()
    return router
  }

  static find(key: string): Router | undefined {
    const path = pathOf(key)
    return existsSync(path) && linux.isNamespacePath(path) ? new Router(path) : undefined
  }

  /** For the end of a link that is to be in here. */
  get namespace(): linux.Namespace {
    return this.#namespace
  }

  /** The container's interface; made with its first endpoint, whose MAC it has from then on. */
  interfaceIn(
    { sandbox, path }: { sandbox: linux.Namespace; path: string },
    wanted: InterfaceRequest,
    undo: Rollback,
  ): SharedInterface {
    using inside = linux.Rtnl.openIn(sandbox)
    if (this.#rtnl.link(inner) === undefined) this.#makePair({ inside, sandbox }, wanted, undo)
    this.#answersFor(inner)
    const end = this.#rtnl.existingLink(inner)
    const { macAddress = wanted.macAddress } = readAlias(end)
    this.#rtnl.run(linux.setLink(end.index, { alias: `${macAddress} ${path}` }))
    if (inside.link(wanted.name) === undefined) nameBack(inside, end, { name: wanted.name, macAddress })
    // With the first address of a subnet the kernel would delete the others of that subnet.
    const interfaceName = wanted.name
    const key = linux.interfaceSysctl('ipv4', { interfaceName, setting: 'promote_secondaries' })
    linux.writeSysctl(sandbox, { key, value: 1 })
    const found = inside.existingLink(interfaceName)
    return { index: found.index, mtu: end.mtu, macAddress, found }
  }

  #makePair(
    { inside, sandbox }: { inside: linux.Rtnl; sandbox: linux.Namespace },
    { name, macAddress, mtu }: InterfaceRequest,
    undo: Rollback,
  ): void {
    if (inside.link(name) !== undefined)
      throw new ConetError('conflict', `the sandbox has an interface ${name} already`)
    const size = mtu === undefined ? {} : { mtu }
    const peer = { name, macAddress, namespace: sandbox, ...size }
    const { index } = this.#rtnl.create(linux.createVeth({ name: inner, peer, ...size }))
    undo.defer(`delete ${name}`, () => this.#rtnl.runSlow(linux.deleteLink(index), { tolerate: ['ENODEV'] }))
  }

  /** Routes between the container and an uplink that is in here. May be repeated. */
  lead(
    { uplink, wanted, macAddress }: Place,
    { subnet, gateway }: { subnet: string; gateway?: string | undefined },
  ): void {
    this.#answersFor(uplink)
    const { index } = this.#rtnl.existingLink(uplink)
    const link = this.#rtnl.existingLink(inner).index
    for (const address of wanted.addresses.map(alone)) {
      this.#rtnl.run(linux.replaceAddress({ link: index, address }))
      this.#rtnl.run(linux.replaceRoute({ destination: address, link, table: throughTable }))
      // By ARP it would ask in the name of the address that it asks for, which is its own, too.
      this.#rtnl.run(linux.replaceNeighbour({ link, address: bare(address), macAddress }))
    }
    // Behind that of another uplink into the same network.
    this.#rtnl.run(linux.appendRoute({ destination: subnet, link: index }), { tolerate: ['EEXIST'] })
    if (wanted.defaultRoute && gateway !== undefined)
      this.#rtnl.run(linux.replaceRoute({ destination: '0.0.0.0/0', gateway, link: index }))
  }

  /** What an uplink's endpoint has there, and the way to it. Before the uplink goes; may be repeated. */
  takeFromContainer(uplink: string): void {
    const [link, out] = [this.#rtnl.link(inner), this.#rtnl.link(uplink)]
    if (link === undefined || out === undefined) return
    const addresses = this.#rtnl.addresses({ link: out.index }).flatMap(({ address }) => ipv4Of(address))
    const holdsDefault = this.#rtnl.routes({ link: out.index }).some(isDefault)
    const isAlone = this.#uplinks().every(({ name }) => name === uplink)
    if (isAlone) this.#rtnl.run(linux.deleteLink(link.index), { tolerate: ['ENODEV'] })
    else clear(readAlias(link).path, { addresses, holdsDefault })
    for (const address of addresses) {
      const route = { destination: `${address}/32`, table: throughTable }
      this.#rtnl.run(linux.deleteRoute(route), { tolerate: ['ESRCH'] })
      const neighbour = { link: link.index, address }
      this.#rtnl.run(linux.deleteNeighbour(neighbour), { tolerate: ['ENOENT', 'ENODEV'] })
    }
  }

  /** With the container's interface, if it leads nowhere any more. */
  async deleteIfUnused(): Promise<void> {
    if (this.#uplinks().length > 0) return
    await this.#rtnl.runSlow(linux.deleteLink(inner), { tolerate: ['ENODEV'] })
    linux.deleteNamespace(this.path)
    if (readdirSync(directory).length === 0) linux.releaseNamespaceDirectory(directory)
  }

  /** Routers without a port, that is, unless they have uplinks all the same. */
  static async deleteOthersThan(keys: readonly string[]): Promise<void> {
    if (!existsSync(directory)) return
    const used = new Set(keys.map(pathOf))
    for (const path of readdirSync(directory).map((name) => `${directory}/${name}`)) {
      if (used.has(path)) continue
      if (!linux.isNamespacePath(path)) linux.deleteNamespace(path)
      else {
        using router = new Router(path)
        await router.deleteIfUnused()
      }
    }
  }

  #uplinks(): linux.Link[] {
    return this.#rtnl.links({ kind: 'veth' }).filter(({ name }) => name !== inner)
  }

  #prepare(): void {
    linux.writeSysctl(this.#namespace, { key: 'ipv4/ip_forward', value: 1 })
    this.#set('all', 'rp_filter', 0)
    const family = 'ipv4'
    this.#rtnl.run(linux.addRule({ family, priority: rules.through, table: throughTable }))
    this.#rtnl.run(linux.addRule({ family, priority: rules.own, table: linux.LOCAL_TABLE }))
    this.#rtnl.run(linux.deleteRule({ family, priority: 0, table: linux.LOCAL_TABLE }))
  }

  #answersFor(interfaceName: string): void {
    this.#set(interfaceName, 'rp_filter', 0)
    this.#set(interfaceName, 'proxy_arp', 1)
    linux.writeSysctl(this.#namespace, { key: `ipv4/neigh/${interfaceName}/proxy_delay`, value: 0 })
    this.#rtnl.run(linux.setLink(this.#rtnl.existingLink(interfaceName).index, { up: true }))
  }

  #set(interfaceName: string, setting: string, value: number): void {
    linux.writeSysctl(this.#namespace, {
      key: linux.interfaceSysctl('ipv4', { interfaceName, setting }),
      value,
    })
  }

  [Symbol.dispose](): void {
    this.#rtnl.close()
    this.#namespace.close()
  }
}

function pathOf(key: string): string {
  return `${directory}/${createHash('sha256').update(key).digest('hex').slice(0, 16)}`
}

/** Without the others of its subnet. */
function alone(address: string): string {
  return `${bare(address)}/32`
}

function bare(address: string): string {
  return address.split('/')[0] ?? address
}

function ipv4Of(address: string): string[] {
  return address.includes(':') ? [] : [bare(address)]
}

function isDefault({ destination }: linux.Route): boolean {
  return destination === '0.0.0.0/0'
}

/**
 * What the inner end says of the other one where no container can change it: its MAC, and the path of its sandbox. They have
 * one MTU.
 */
function readAlias({ alias = '' }: linux.Link): { macAddress?: string; path?: string } {
  const [macAddress, path] = alias.split(' ')
  return macAddress && path ? { macAddress, path } : {}
}

/** The sandbox may be gone, and with it everything in it. */
function clear(
  path: string | undefined,
  leaving: { addresses: readonly string[]; holdsDefault: boolean },
): void {
  if (path === undefined || !linux.isNamespacePath(path)) return
  using sandbox = linux.openSandbox(path)
  using inside = linux.Rtnl.openIn(sandbox)
  for (const { link, address } of inside.addresses()) {
    if (!leaving.addresses.includes(bare(address))) continue
    inside.run(linux.deleteAddress({ link, address }), { tolerate: ['EADDRNOTAVAIL'] })
    if (leaving.holdsDefault)
      inside.run(linux.deleteRoute({ destination: '0.0.0.0/0', link }), { tolerate: ['ESRCH'] })
  }
}
