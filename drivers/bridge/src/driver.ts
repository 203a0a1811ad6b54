// The bridge driver: one Linux bridge a network, one veth an endpoint. All that it shares with others of the kind is in
// the SDK's bridge-network; here is what makes it this one.
import { defineDriver } from '@conet/sdk'
import { bridgeNetworks, PolicyDocument } from '@conet/sdk/bridge-network'
import { planNetwork } from './bridge-plan.ts'
import { attachmentSchema, configSchema } from './config.ts'

const name = 'bridge'

/** A driver that has not started. It works in the network namespace of the thread that starts it. */
export function bridgeDriver() {
  return defineDriver({
    name,
    vendor: 'conet',
    version: '0.1.0',
    configSchema: { ...configSchema },
    attachmentSchema: { ...attachmentSchema },
    policySchema: { ...PolicyDocument },
    ports: { policyMember: 'net_in' },
    // What it knows is in the kernel, or comes with the sync.
    hotUpgrade: true,
    ...bridgeNetworks({
      driverName: name,
      prefixes: { bridge: 'cnb', port: 'cnv', shaper: 'cni' },
      plan: planNetwork,
    }),
  })
}
