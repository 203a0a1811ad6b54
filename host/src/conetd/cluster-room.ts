// The cluster of conetd. The client of etcd is loaded only here, so that a host without a cluster pays nothing for it.
import type { Logger } from 'pino'
import type { Cluster } from '../cluster/cluster.ts'
import { UnderlayAddress } from '../machine/underlay-address.ts'
import type { Store } from '../store/index.ts'
import type { ClusterSettings } from './cluster-settings.ts'
import type { MachineIdentity } from './machine-identity.ts'

export type ClusterRoomOptions = {
  readonly settings: ClusterSettings | undefined
  readonly machine: MachineIdentity
  readonly version: string
  readonly records: Store
  readonly log: Logger
}

/** Asks nothing of the shared store yet. Undefined: this host is in no cluster. */
export async function openCluster(options: ClusterRoomOptions): Promise<Cluster | undefined> {
  const { settings, machine, version, records, log } = options
  if (settings === undefined) return undefined
  const { Cluster } = await import('../cluster/cluster.ts')
  const { EtcdStore } = await import('../cluster/etcd-store.ts')
  const { node: name, underlayAddress, blockBits, awaitHostsMs, etcd } = settings
  const since = new Date().toISOString()
  const underlay = new UnderlayAddress(underlayAddress)
  if (etcd.tls?.skipsVerification)
    log.warn('cluster: whoever answers is taken for etcd (--cluster-insecure-skip-tls-verify)')
  return new Cluster({
    store: new EtcdStore(etcd, (refusal) => {
      if (refusal === undefined) log.info('cluster: etcd takes this host again')
      else
        log.error(
          { err: refusal.error },
          'cluster: etcd refuses this host; it is asked again, and its files are read again',
        )
    }),
    node: { name, identity: machine.nodeId, underlayAddress, version, since },
    mostBlockBits: blockBits,
    awaitHostsMs,
    records,
    assertReachable: (what) => underlay.assertHere(what),
    log,
  })
}
