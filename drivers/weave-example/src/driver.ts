// A network driver after Weave Net: a bridge a network, a veth pair an endpoint, and its own addresses and resolver.
// It enters no container: it hands one end of the pair to the host, which moves, names and addresses it. It keeps
// no file: what exists the kernel knows, and which address an endpoint has the host says after every connect.
import { ConetError, defineDriver, type Network, Rollback, runDriver } from '@conet/sdk'
import * as linux from '@conet/sdk/linux'
import { chooseAddress, firstAddress, freeSubnet } from './addresses.ts'

const rtnl = linux.Rtnl.open()

/** Leaves room for what Weave puts around a packet on its way to another machine. */
const defaultMtu = 1376

/** Those that the host has told us of in this life of the driver. */
const endpoints = new Map<string, { networkId: string; address: string }>()

// An interface's name has 15 bytes at most. The alias has the whole ids.
const bridgeName = (networkId: string) => `weave${networkId.slice(0, 10)}`
const portName = (endpointId: string) => `vwl${endpointId.slice(0, 12)}`
const guestName = (endpointId: string) => `vwg${endpointId.slice(0, 12)}`

/** By their aliases: `weave`, the network's id, and its subnet or the endpoint's id. */
function ourLinks(kind: 'bridge' | 'veth') {
  return rtnl.links({ kind }).flatMap(({ alias = '' }) => {
    const [owner, networkId, subject] = alias.split(' ')
    return owner === 'weave' && networkId && subject ? [{ networkId, subject }] : []
  })
}

/** What the user says, what the bridge was made with, or a free one. */
function subnetOf({ id, subnets: [named, ...others] }: Network): string {
  if (others.length > 0 || named?.subnet.includes(':')) {
    const fields = [{ path: 'subnets', message: 'must be one of IPv4, or none' }]
    throw new ConetError('invalidArgument', `network ${id}: subnets ${fields[0]?.message}`, { fields })
  }
  const bridges = ourLinks('bridge')
  const known = named?.subnet ?? bridges.find(({ networkId }) => networkId === id)?.subject
  const taken = [...rtnl.routes().map((route) => route.destination), ...bridges.map((one) => one.subject)]
  return known ?? freeSubnet(taken)
}

/** The bridge's own address, and the containers' way out; an internal network has none. */
function gatewayOf(network: Network): string | undefined {
  const [named] = network.subnets
  return network.internal || named !== undefined ? named?.gateway : firstAddress(subnetOf(network))
}

async function deleteOurs(name: string): Promise<void> {
  await rtnl.runSlow(linux.deleteLink(name), { tolerate: ['ENODEV'] })
}

const driver = defineDriver({
  name: 'weave-example',
  vendor: 'conet',
  version: '0.1.0',
  ipam: 'driver', // createEndpoint answers with the address
  hotUpgrade: true, // two instances see the same: the kernel
  configSchema: {
    type: 'object',
    properties: { resolver: { type: 'string' }, domain: { type: 'string' } },
    additionalProperties: false,
  },

  /** In charge from now on. A crash may have come between a link and its alias. */
  async activate() {
    const isOurs = /^(weave[0-9a-f]{10}|vwl[0-9a-f]{12})$/
    const unfinished = rtnl.links().filter(({ name, alias }) => isOurs.test(name) && alias === undefined)
    for (const { name } of unfinished) await deleteOurs(name)
  },

  /** Again, for a network that is there: mends it. */
  async createNetwork(network, call) {
    const name = bridgeName(network.id)
    const subnet = subnetOf(network)
    const gateway = gatewayOf(network)
    const found = rtnl.link(name)
    await using undo = new Rollback()
    const { index } = found ?? rtnl.create(linux.createBridge({ name, mtu: defaultMtu }))
    if (found === undefined) undo.defer(`delete ${name}`, () => deleteOurs(name))
    else if (!found.isUp) call.repaired(`bridge ${name} was down`)
    rtnl.run(linux.setLink(index, { alias: `weave ${network.id} ${subnet}`, up: true }))
    const address = `${gateway}/${subnet.split('/')[1]}`
    if (gateway !== undefined) rtnl.run(linux.replaceAddress({ link: index, address }))
    undo.commit()
  },

  async deleteNetwork(networkId) {
    await deleteOurs(bridgeName(networkId))
  },

  async listNetworks() {
    return ourLinks('bridge').map(({ networkId }) => networkId)
  },

  /** `addresses` is empty at first; in all later calls it is what was answered here. */
  async createEndpoint({ network, endpointId, interface: { addresses }, requestedAddresses = [] }) {
    const networkId = network.id
    const others = [...endpoints.values()].filter((other) => other.networkId === networkId)
    const held = new Set([gatewayOf(network), ...others.map(({ address }) => address.split('/')[0])])
    const known = addresses[0] ?? endpoints.get(endpointId)?.address
    const address = known ?? chooseAddress(subnetOf(network), { requested: requestedAddresses[0], held })
    endpoints.set(endpointId, { networkId, address })
    return { addresses: [address] }
  },

  async deleteEndpoint({ endpointId }) {
    await deleteOurs(portName(endpointId))
    endpoints.delete(endpointId)
  },

  async listEndpoints() {
    const plugged = ourLinks('veth').map(({ networkId, subject }) => ({ networkId, endpointId: subject }))
    const created = [...endpoints].map(([endpointId, { networkId }]) => ({ networkId, endpointId }))
    return [...new Map([...plugged, ...created].map((one) => [one.endpointId, one])).values()]
  },

  /** Makes the pair, with one end on the bridge. The other is the host's from the answer on. */
  async plug({ network, endpointId, interface: wanted, sandbox }) {
    linux.openSandbox(sandbox.path).close() // throws what users should read of one that is none
    const bridge = rtnl.existingLink(bridgeName(network.id))
    const [port, sourceName] = [portName(endpointId), guestName(endpointId)]
    const { mtu = defaultMtu, name, macAddress, addresses } = wanted
    await using undo = new Rollback()
    if (rtnl.link(port) === undefined) {
      rtnl.create(linux.createVeth({ name: port, mtu, peer: { name: sourceName, mtu } }))
      undo.defer(`delete ${port}`, () => deleteOurs(port))
    }
    const alias = `weave ${network.id} ${endpointId}`
    rtnl.run(linux.setLink(rtnl.existingLink(port).index, { alias, master: bridge.index, up: true }))
    undo.commit()
    const gateway = gatewayOf(network)
    const wayOut = wanted.defaultRoute && gateway ? [{ destination: '0.0.0.0/0', gateway }] : []
    const routes = [...wayOut, ...wanted.routes]
    const { resolver = gateway, domain = 'weave.local' } = network.config
    return {
      interfaces: [{ configuredBy: 'host', sourceName, name, macAddress, addresses, mtu, routes }],
      ...(resolver ? { dns: { servers: [String(resolver)], search: [String(domain)], options: [] } } : {}),
    }
  },

  /** The host leaves a veth in the container: deleting this end of the pair ends both. */
  async unplug({ endpointId }) {
    await deleteOurs(portName(endpointId))
  },
})

await runDriver(driver)
