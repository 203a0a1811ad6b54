// The null driver: every call succeeds and nothing is done to the kernel. Hosts use it to be tested, and networks
// that only need a record. The SDK keeps that record, in memory.
import { defineDriver } from '@conet/sdk'

/** A driver that has been told of nothing yet. */
export function nullDriver() {
  return defineDriver({
    name: 'null',
    vendor: 'conet',
    version: '0.1.0',
    // All it has is what it was told, and the host tells it everything.
    hotUpgrade: true,

    async plug() {
      return { interfaces: [] }
    },
    async unplug() {},
  })
}
