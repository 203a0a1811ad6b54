// Whether this host has its part in the cluster. Each code is explained in docs/operating.md.
import { type Check, counted } from './check.ts'

export const clusterAway: Check = ({ cluster }) => {
  if (cluster === undefined || cluster.isNameTaken) return []
  const { since, reason, behind } = cluster
  const waiting = behind === 0 ? '' : `; ${counted(behind, 'change')} of this host’s endpoints wait for it`
  return [
    {
      severity: 'error',
      code: 'cluster-away',
      message: `this host has no part in its cluster since ${since}: ${reason}${waiting}`,
      help: 'look whether etcd runs and is reached from here; containers that run are not affected, and all is caught up afterwards',
    },
  ]
}

export const clusterNameTaken: Check = ({ cluster }) => {
  if (cluster === undefined || !cluster.isNameTaken) return []
  return [
    {
      severity: 'error',
      code: 'cluster-name-taken',
      message: cluster.reason,
      help: 'give this host another --node, or the other one',
    },
  ]
}
