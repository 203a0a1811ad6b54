// The null driver: every call succeeds and nothing is done to the kernel. Hosts use it to be tested, and networks
// that only need a record. The SDK keeps that record, in memory.
import { defineDriver } from '@conet/sdk'

/** What it counts of an endpoint: nothing goes through it. */
const nothingCounted = {
  rxBytes: 0,
  txBytes: 0,
  rxPackets: 0,
  txPackets: 0,
  rxErrors: 0,
  txErrors: 0,
  rxDropped: 0,
  txDropped: 0,
}

/** A driver that has been told of nothing yet. */
export function nullDriver() {
  const plugged = new Set<string>()
  return defineDriver({
    name: 'null',
    vendor: 'conet',
    version: '0.1.0',
    // All it has is what it was told, and the host tells it everything.
    hotUpgrade: true,
    // Any document is a policy; one with `net_in` gets the ports that it asks for.
    policySchema: { type: 'object' },
    ports: { policyMember: 'net_in' },

    async plug({ endpointId }) {
      plugged.add(endpointId)
      return { interfaces: [] }
    },
    async unplug({ endpointId }) {
      plugged.delete(endpointId)
    },
    async policy() {},
    async stats(endpoints) {
      return endpoints
        .filter(({ endpointId }) => plugged.has(endpointId))
        .map((endpoint) => ({ ...endpoint, ...nothingCounted }))
    },
  })
}
