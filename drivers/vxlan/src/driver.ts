// The vxlan driver: networks that span hosts. On each host a bridge as any other, and a tunnel that is one of its
// ports; who is behind the tunnel comes from the host, and nothing is flooded or learned.
import { defineDriver } from '@conet/sdk'
import { bridgeNetworks, EndpointPolicyDocument } from '@conet/sdk/bridge-network'
import { attachmentSchema, configSchema, vniRange } from './config.ts'
import { planNetwork, prefixes } from './network-plan.ts'
import { Tunnels } from './tunnels.ts'

const name = 'vxlan'

/** A driver that has not started. It works in the network namespace of the thread that starts it. */
export function vxlanDriver() {
  const tunnels = new Tunnels()
  const networks = bridgeNetworks({
    driverName: name,
    prefixes,
    plan: planNetwork,
    spansHosts: true,
    extension: tunnels,
  })
  return defineDriver({
    name,
    vendor: 'conet',
    version: '0.1.0',
    scope: 'global',
    segments: { ...vniRange, configMember: 'vni' },
    configSchema: { ...configSchema },
    attachmentSchema: { ...attachmentSchema },
    policySchema: { ...EndpointPolicyDocument },
    ports: { policyMember: 'net_in' },
    // What it knows is in the kernel, or comes with the sync and the snapshots after it.
    hotUpgrade: true,
    ...networks,
    async drain(call) {
      await networks.drain(call)
      tunnels.forgetPeers()
    },
    peers: (batch) => tunnels.peers(batch),
  })
}
