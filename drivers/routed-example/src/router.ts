// The network namespace that routes for one container. Its only interface in there leads here, and from here one uplink
// leads into each of its networks. Both sides hear of each other by proxy ARP: the container takes its neighbours to be on
// its own link, and they take it to be on theirs. IPv4.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { ConetError, type InterfaceRequest, type Rollback } from '@conet/sdk'
import * as linux from '@conet/sdk/linux'

const directory = '/run/conet-routed'
/** The end of the pair whose other end is the container's interface. */
const inner = 'in'
/** The containers' addresses are the router's own, or no neighbour would answer its ARP; what comes for them goes on. */
const throughTable = 100
const rules = { through: 10, own: 20 } as const

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

  /** Of the container. */
  get sandboxPath(): string {
    return this.#rtnl.link(inner)?.alias ?? ''
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
  ): linux.Link {
    using inside = linux.Rtnl.openIn(sandbox)
    if (this.#rtnl.link(inner) === undefined) {
      const { name, macAddress, mtu } = wanted
      if (inside.link(name) !== undefined)
        throw new ConetError('conflict', `the sandbox has an interface ${name} already`)
      const size = mtu === undefined ? {} : { mtu }
      const peer = { name, macAddress, namespace: sandbox, ...size }
      const { index } = this.#rtnl.create(linux.createVeth({ name: inner, peer, ...size }))
      undo.defer(`delete ${name}`, () =>
        this.#rtnl.runSlow(linux.deleteLink(index), { tolerate: ['ENODEV'] }),
      )
    }
    this.#answersFor(inner)
    this.#rtnl.run(linux.setLink(this.#rtnl.existingLink(inner).index, { alias: path }))
    return inside.existingLink(wanted.name)
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
    this.#rtnl.run(linux.replaceRoute({ destination: subnet, link: index }))
    if (wanted.defaultRoute && gateway !== undefined)
      this.#rtnl.run(linux.replaceRoute({ destination: '0.0.0.0/0', gateway, link: index }))
  }

  /** The addresses of an uplink: what its endpoint has. */
  addressesOf(uplink: string): string[] {
    const link = this.#rtnl.link(uplink)
    return link === undefined ? [] : this.#rtnl.addresses({ link: link.index }).map(({ address }) => address)
  }

  /** No longer leads there, once the uplink is gone. True: it leads nowhere any more. */
  forget(addresses: readonly string[]): boolean {
    const link = this.#rtnl.link(inner)?.index
    for (const address of addresses) {
      this.#rtnl.run(linux.deleteRoute({ destination: address, table: throughTable }), {
        tolerate: ['ESRCH'],
      })
      if (link !== undefined)
        this.#rtnl.run(linux.deleteNeighbour({ link, address: bare(address) }), { tolerate: ['ENOENT'] })
    }
    return this.#rtnl.links({ kind: 'veth' }).every(({ name }) => name === inner)
  }

  /** The container's interface goes with it. */
  async delete(): Promise<void> {
    await this.#rtnl.runSlow(linux.deleteLink(inner), { tolerate: ['ENODEV'] })
    linux.deleteNamespace(this.path)
    if (readdirSync(directory).length === 0) linux.releaseNamespaceDirectory(directory)
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
