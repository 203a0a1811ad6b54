// A network driver whose containers see one interface, whatever number of its networks they are in: each container has a
// network namespace of the driver's own beside it, which routes (see router.ts). A bridge a network, an uplink an endpoint.
// It keeps no file: what exists the kernel knows, by the aliases of ports.
import {
  type Call,
  ConetError,
  defineDriver,
  KeyedQueue,
  type Network,
  type PlugParams,
  Rollback,
  runDriver,
} from '@conet/sdk'
import * as linux from '@conet/sdk/linux'
import { Router } from './router.ts'

const rtnl = linux.Rtnl.open()
/** By sandboxes: the first endpoint of one makes what the last one ends. */
const queue = new KeyedQueue()

// An interface's name has 15 bytes at most. The alias has the whole ids.
const bridgeName = (networkId: string) => `rt${networkId.slice(0, 12)}`
const portName = (endpointId: string) => `rtp${endpointId.slice(0, 12)}`
const uplinkName = (endpointId: string) => `up${endpointId.slice(0, 12)}`

type Port = { readonly networkId: string; readonly endpointId: string; readonly sandboxId: string }

/** By their aliases: `routed`, the ids of network and endpoint, and that of the sandbox. */
function ports(): Port[] {
  return rtnl.links({ kind: 'veth' }).flatMap(({ alias = '' }) => {
    const [owner, networkId, endpointId, sandboxId] = alias.split(' ')
    return owner === 'routed' && networkId && endpointId && sandboxId
      ? [{ networkId, endpointId, sandboxId }]
      : []
  })
}

function onlySubnetOf({ id, subnets: [first, ...others] }: Network) {
  if (first !== undefined && others.length === 0 && !first.subnet.includes(':')) return first
  const fields = [{ path: 'subnets', message: 'must be one of IPv4' }]
  throw new ConetError('invalidArgument', `network ${id}: subnets must be one of IPv4`, { fields })
}

async function deleteOurs(name: string): Promise<void> {
  await rtnl.runSlow(linux.deleteLink(name), { tolerate: ['ENODEV'] })
}

/**
 * Takes from the container what is the endpoint's alone, with the last uplink its interface. The port goes after that: it is
 * what names the endpoint, so that whatever ends this here can be done again.
 */
async function takeOut(endpointId: string): Promise<void> {
  const port = ports().find((one) => one.endpointId === endpointId)
  await queue.run(port?.sandboxId ?? '', async () => {
    using router = port && Router.find(port.sandboxId)
    router?.takeFromContainer(uplinkName(endpointId))
    await deleteOurs(portName(endpointId))
    await router?.deleteIfUnused()
  })
}

/** The first endpoint of a container makes its interface; each has an uplink, and its addresses at the interface. */
async function plugIn(
  { network, endpointId, interface: wanted, sandbox: { id, path } }: PlugParams,
  call: Pick<Call, 'isRepair' | 'log' | 'repaired'>,
) {
  using sandbox = linux.openSandbox(path)
  await using undo = new Rollback()
  using router = Router.of(id, undo)
  // Ended before the router is closed.
  await using undoInside = new Rollback()
  const { index, mtu, macAddress, found } = router.interfaceIn({ sandbox, path }, wanted, undoInside)
  const uplink = uplinkName(endpointId)
  if (rtnl.link(portName(endpointId)) === undefined) {
    const peer = { name: uplink, macAddress: wanted.macAddress, namespace: router.namespace, mtu }
    rtnl.create(linux.createVeth({ name: portName(endpointId), mtu, peer }))
    undoInside.defer(`delete ${portName(endpointId)}`, () => deleteOurs(portName(endpointId)))
    undoInside.defer(`take ${uplink} out`, () => router.takeFromContainer(uplink))
  }
  const alias = `routed ${network.id} ${endpointId} ${id}`
  const master = rtnl.existingLink(bridgeName(network.id)).index
  rtnl.run(linux.setLink(rtnl.existingLink(portName(endpointId)).index, { alias, master, up: true }))
  const { subnet, gateway } = onlySubnetOf(network)
  router.lead({ uplink, wanted, macAddress }, { subnet, gateway })
  const routes = wanted.defaultRoute && gateway ? [{ destination: '0.0.0.0/0', gateway }] : []
  // A container may change its interface: what is answered is what should be, and made so.
  if (found.macAddress !== macAddress || found.mtu !== mtu)
    call.repaired(`${found.name} had another MAC or MTU`)
  configure(
    sandbox,
    { index, mtu, macAddress, addresses: wanted.addresses, gateway: routes[0]?.gateway },
    call,
  )
  undoInside.commit()
  undo.commit()
  const { name, addresses } = wanted
  return { interfaces: [{ configuredBy: 'driver' as const, name, macAddress, addresses, mtu, routes }] }
}

/** `gateway`: of the default route, where the endpoint is to hold it. */
type Settings = {
  index: number
  mtu: number
  macAddress: string
  addresses: string[]
  gateway: string | undefined
}

function configure(
  sandbox: linux.Namespace,
  { index: link, mtu, macAddress, addresses, gateway }: Settings,
  { isRepair, log }: Pick<Call, 'isRepair' | 'log'>,
): void {
  using inside = linux.Rtnl.openIn(sandbox)
  // The same MAC once more would cost the container its neighbours.
  const isSame = inside.existingLink(link).macAddress === macAddress
  inside.run(linux.setLink(link, { up: true, mtu, ...(isSame ? {} : { macAddress }) }))
  for (const address of addresses) inside.run(linux.replaceAddress({ link, address }))
  if (gateway === undefined) return
  const held = inside
    .routes({ table: linux.MAIN_TABLE })
    .find(({ destination }) => destination === '0.0.0.0/0')
  const isTaken = held !== undefined && held.link !== link
  if (isTaken && !isRepair) throw new ConetError('conflict', 'the sandbox has a default route already')
  // One that the container has made since is better than no interface.
  if (isTaken) log('warn', 'the container goes by a default route of its own')
  else inside.run(linux.replaceRoute({ destination: '0.0.0.0/0', gateway, link }))
}

const driver = defineDriver({
  name: 'routed-example',
  vendor: 'conet',
  version: '0.1.0',
  sandbox: 'private', // one interface a container

  /** A crash may have come between a link and its alias, or between the last port of a container and its router. */
  async activate() {
    const isPort = /^rtp[0-9a-f]{12}$/
    for (const { name, alias } of rtnl.links({ kind: 'veth' }))
      if (isPort.test(name) && alias === undefined) await deleteOurs(name)
    await Router.deleteOthersThan(ports().map(({ sandboxId }) => sandboxId))
  },

  /** Again, for a network that is there: mends it. */
  async createNetwork(network) {
    const name = bridgeName(network.id)
    const { subnet, gateway } = onlySubnetOf(network)
    await using undo = new Rollback()
    const found = rtnl.link(name)
    const { index } = found ?? rtnl.create(linux.createBridge({ name }))
    if (found === undefined) undo.defer(`delete ${name}`, () => deleteOurs(name))
    rtnl.run(linux.setLink(index, { alias: `routed ${network.id}`, up: true }))
    const address = `${gateway}/${subnet.split('/')[1]}`
    if (gateway !== undefined && !network.internal) {
      rtnl.run(linux.replaceAddress({ link: index, address }))
      linux.writeSysctl(undefined, { key: 'ipv4/ip_forward', value: 1 })
    }
    undo.commit()
  },

  async deleteNetwork(networkId) {
    await deleteOurs(bridgeName(networkId))
  },

  async listNetworks() {
    return rtnl.links({ kind: 'bridge' }).flatMap(({ alias = '' }) => {
      const [owner, networkId] = alias.split(' ')
      return owner === 'routed' && networkId ? [networkId] : []
    })
  },

  async deleteEndpoint({ endpointId }) {
    await takeOut(endpointId)
  },

  async listEndpoints() {
    return ports().map(({ networkId, endpointId }) => ({ networkId, endpointId }))
  },

  async plug(params, call) {
    onlySubnetOf(params.network)
    return queue.run(params.sandbox.id, () => plugIn(params, call))
  },

  async unplug({ endpointId }) {
    await takeOut(endpointId)
  },

  /** By the uplinks: the interface of the container counts for all its networks together. */
  async stats(endpoints) {
    return endpoints.flatMap((endpoint) => {
      const counted = rtnl.statistics(portName(endpoint.endpointId))
      if (counted === undefined) return []
      return [
        {
          ...endpoint,
          rxBytes: counted.sentBytes,
          txBytes: counted.receivedBytes,
          rxPackets: counted.sentPackets,
          txPackets: counted.receivedPackets,
          rxErrors: counted.sendErrors,
          txErrors: counted.receiveErrors,
          rxDropped: counted.sendDropped,
          txDropped: counted.receiveDropped,
        },
      ]
    })
  },
})

await runDriver(driver)
