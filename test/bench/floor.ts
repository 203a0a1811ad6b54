// The floor: the kernel work of a plug and of an unplug, done with the toolkit of the SDK in this process, without host,
// driver, sockets or records. The same calls, in the same order, as the bridge driver makes.
import { join } from 'node:path'
import {
  addAddress,
  addRoute,
  announce,
  createBridge,
  createVeth,
  deleteLink,
  deleteNamespace,
  interfaceSysctl,
  makeNamespace,
  Namespace,
  openSandbox,
  Rtnl,
  setLink,
  writeSysctl,
} from '@conet/sdk/linux'

const gateway = '10.200.0.1'
const mtu = 1500
/** Of the first interface that is made in a sandbox. */
const firstIndex = 2

export type FloorOptions = {
  readonly sandboxes: number
  /** Of its namespaces; it tells two in one directory apart. */
  readonly name?: string
  /** How many ports the bridge has besides, with their other ends all in one namespace. */
  readonly others?: number
}

/** A machine of its own with one bridge, and sandboxes that are there before anything is timed. */
export class Floor implements Disposable {
  readonly #namespace: Namespace
  readonly #rtnl: Rtnl
  readonly #bridge: number
  readonly #sandboxes: readonly string[]
  readonly #path: string
  readonly #others: string

  constructor(directory: string, { sandboxes, name = 'floor', others = 0 }: FloorOptions) {
    this.#path = join(directory, name)
    makeNamespace(this.#path)
    this.#namespace = Namespace.open(this.#path)
    this.#rtnl = Rtnl.openIn(this.#namespace)
    this.#bridge = this.#rtnl.create(createBridge({ name: 'floor', up: true })).index
    this.#rtnl.run(addAddress({ link: this.#bridge, address: `${gateway}/16` }))
    this.#sandboxes = Array.from({ length: sandboxes }, (_, index) => join(directory, `${name}-${index}`))
    for (const path of this.#sandboxes) makeSandbox(path)
    this.#others = join(directory, `${name}-others`)
    this.#fill(others)
  }

  /** Their other ends stay down: nothing is flooded to them, so what they cost is the bridge's own. */
  #fill(others: number): void {
    makeNamespace(this.#others)
    using namespace = Namespace.open(this.#others)
    for (let number = 0; number < others; number++) {
      const peer = { name: `eth${number}`, macAddress: identityOf(number).macAddress, mtu, namespace }
      const port = this.#rtnl.create(createVeth({ name: `other${number}`, mtu, master: this.#bridge, peer }))
      this.#rtnl.batch([
        setLink(port.index, { ipv6AddressGeneration: 'none' }),
        setLink(port.index, { up: true }),
      ])
    }
  }

  /** Plugs the sandbox of this number. */
  plug(number: number): void {
    const { macAddress, address, linkLocal } = identityOf(number)
    using sandbox = openSandbox(this.#sandboxes[number] ?? '')
    using inside = Rtnl.openIn(sandbox)
    const peer = { name: 'eth0', macAddress, mtu, namespace: sandbox }
    const port = this.#rtnl.create(createVeth({ name: nameOf(number), mtu, master: this.#bridge, peer }))
    const link = port.parent ?? inside.existingLink('eth0').index
    // The driver looks for its addresses in sandboxes that had an interface before.
    if (link !== firstIndex) inside.addresses()
    this.#rtnl.batch([
      setLink(port.index, {
        alias: `floor ${'0'.repeat(64)} ${'0'.repeat(64)}`,
        ipv6AddressGeneration: 'none',
      }),
      setLink(port.index, { up: true }),
    ])
    inside.batch([
      setLink(link, { ipv6AddressGeneration: 'none' }),
      setLink(link, { up: true }),
      addAddress({ link, address: `${address}/16` }),
      addAddress({ link, address: linkLocal, nodad: true }),
      addRoute({ destination: '0.0.0.0/0', gateway, link }),
    ])
    // Makes the kernel open the port now; see the bridge driver.
    this.#rtnl.link(port.index)
    announce(sandbox, { interfaceName: 'eth0', macAddress, addresses: [address] })
  }

  /** One RTM_DELLINK: the kernel deletes the peer with it. */
  unplug(number: number): void {
    this.#rtnl.run(deleteLink(nameOf(number)))
  }

  [Symbol.dispose](): void {
    this.#rtnl.close()
    this.#namespace.close()
    for (const path of [...this.#sandboxes, this.#others, this.#path]) deleteNamespace(path)
  }
}

/** As `up` leaves it for the plug: see the host's sandbox keeper. */
function makeSandbox(path: string): void {
  makeNamespace(path)
  using sandbox = openSandbox(path)
  const key = interfaceSysctl('ipv6', { interfaceName: 'default', setting: 'accept_ra' })
  writeSysctl(sandbox, { key, value: 0 })
}

function nameOf(number: number): string {
  return `floor${number}`
}

function identityOf(number: number): { macAddress: string; address: string; linkLocal: string } {
  const [high, low] = [(number >> 8) + 1, number & 255]
  return {
    macAddress: `02:42:0a:c8:${hex(high)}:${hex(low)}`,
    address: `10.200.${high}.${low}`,
    linkLocal: `fe80::42:aff:fec8:${hex(high)}${hex(low)}/64`,
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
