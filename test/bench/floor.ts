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
  makeNamespace,
  Namespace,
  openSandbox,
  Rtnl,
  setLink,
} from '@conet/sdk/linux'

const gateway = '10.200.0.1'
const loopback = 1

/** A machine of its own with one bridge, and sandboxes that are there before anything is timed. */
export class Floor implements Disposable {
  readonly #namespace: Namespace
  readonly #rtnl: Rtnl
  readonly #bridge: number
  readonly #sandboxes: readonly string[]
  readonly #path: string

  constructor(directory: string, sandboxes: number) {
    this.#path = join(directory, 'machine')
    makeNamespace(this.#path)
    this.#namespace = Namespace.open(this.#path)
    this.#rtnl = Rtnl.openIn(this.#namespace)
    this.#bridge = this.#rtnl.create(createBridge({ name: 'floor', up: true })).index
    this.#rtnl.run(addAddress({ link: this.#bridge, address: `${gateway}/16` }))
    this.#sandboxes = Array.from({ length: sandboxes }, (_, index) => join(directory, `sandbox-${index}`))
    for (const path of this.#sandboxes) makeNamespace(path)
  }

  /** Plugs the sandbox of this number. */
  plug(number: number): void {
    const macAddress = `02:42:0a:c8:${hex(number >> 8)}:${hex(number & 255)}`
    const address = `10.200.${(number >> 8) + 1}.${number & 255}`
    using sandbox = openSandbox(this.#sandboxes[number] ?? '')
    const peer = { name: 'eth0', macAddress, mtu: 1500, namespace: sandbox }
    const link = { name: nameOf(number), mtu: 1500, master: this.#bridge, up: true, peer }
    const made = this.#rtnl.create(createVeth(link)).parent ?? 0
    using inside = Rtnl.openIn(sandbox)
    inside.batch([
      addAddress({ link: made, address: `${address}/16` }),
      setLink(loopback, { up: true }),
      setLink(made, { up: true }),
      addRoute({ destination: '0.0.0.0/0', gateway, link: made }),
    ])
    announce(sandbox, { interfaceName: 'eth0', macAddress, addresses: [address] })
  }

  /** One RTM_DELLINK: the kernel deletes the peer with it. */
  unplug(number: number): void {
    this.#rtnl.run(deleteLink(nameOf(number)))
  }

  [Symbol.dispose](): void {
    this.#rtnl.close()
    this.#namespace.close()
    for (const path of [...this.#sandboxes, this.#path]) deleteNamespace(path)
  }
}

function nameOf(number: number): string {
  return `floor${number}`
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
