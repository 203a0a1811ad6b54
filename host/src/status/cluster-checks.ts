// Whether this host has its part in the cluster. Each code is explained in docs/operating.md.

import type { StoreReplaced } from '../domain/store-replaced.ts'
import { type Check, counted, some } from './check.ts'

export const clusterAway: Check = (facts) => {
  const { cluster } = facts
  if (cluster === undefined || cluster.isNameTaken) return []
  // Which says that the host takes no part, too.
  if (cluster.isUnreachable && underlayAddressMissing(facts).length > 0) return []
  const { since, reason, help, behind } = cluster
  const waiting = behind === 0 ? '' : `; ${counted(behind, 'change')} of this host’s endpoints wait for it`
  return [
    {
      severity: 'error',
      code: 'cluster-away',
      message: `this host has no part in its cluster since ${since}: ${reason}${waiting}`,
      help: `${help ?? 'look whether etcd runs and is reached from here; containers that run are not affected'}; all is caught up afterwards`,
    },
  ]
}

/** As when the machine got another address since, or the flag of another host was copied. */
export const underlayAddressMissing: Check = ({ underlayAddress, machine, cluster }) => {
  if (underlayAddress === undefined || machine.addresses.has(underlayAddress)) return []
  const effect = cluster?.isUnreachable
    ? 'this host does not take part in its cluster before it is, and plugs into networks of the cluster are refused'
    : 'other hosts do not reach its containers, and plugs into networks of the cluster are refused'
  return [
    {
      severity: 'error',
      code: 'underlay-address-missing',
      message: `the underlay address ${underlayAddress} is on no interface of this machine: ${effect}`,
      help: 'give it to an interface, which is seen within seconds; or start conetd with the --underlay-address under which other hosts reach this one',
    },
  ]
}

/** Of another family, or the same address a second time: their containers are not told to drivers here. */
export const underlayAddressesUnfit: Check = ({ underlayAddress, unfitNodes = [] }) => {
  if (unfitNodes.length === 0) return []
  const named = some(unfitNodes.map(({ name, underlayAddress: other }) => `${name} (${other})`))
  return [
    {
      severity: 'error',
      code: 'underlay-address-unfit',
      message: `no tunnel leads from this host's underlay address ${underlayAddress} to ${named}: containers there and here do not reach each other`,
      help: 'start conetd on all hosts of a cluster with an --underlay-address of its own, all of one family; one that is gone for good: conet node rm NAME --fenced',
    },
  ]
}

/** What this machine had under another name is not its own under this one. */
export const clusterFormerName: Check = ({ formerNames = [] }) =>
  formerNames.map((name) => ({
    severity: 'error' as const,
    code: 'cluster-former-name',
    message: `this machine took part in its cluster as ${name}, which is there still: addresses of its containers are those of ${name}`,
    help: `conet node rm ${name} --fenced: what it had is free then, and containers here are plugged again; or start conetd with --node ${name} again`,
  }))

/** A network of this host's own, and one that another host of the cluster has created since. */
export const networkNamesAmbiguous: Check = ({ networks }) => {
  const byName = new Map<string, string[]>()
  for (const { name, id } of networks) byName.set(name, [...(byName.get(name) ?? []), id.slice(0, 12)])
  const ambiguous = [...byName].filter(([, ids]) => ids.length > 1)
  if (ambiguous.length === 0) return []
  return [
    {
      severity: 'warning',
      code: 'network-name-ambiguous',
      message: `a network of this host and one of its cluster have the same name: ${some(
        ambiguous.map(([name, ids]) => `${name} (${ids.join(', ')})`),
      )}`,
      help: 'use their ids, or create the one of this host anew under another name',
    },
  ]
}

export const clusterStoreReplaced: Check = ({ storeReplaced }) => {
  if (storeReplaced === undefined) return []
  const { since, isPutBack, conflicts, missing } = storeReplaced
  const done = isPutBack ? 'what this host has is put back' : 'what this host has is being put back'
  const left = conflicts.length === 0 ? '' : `, but for: ${some(conflicts)}`
  const away = missing.length === 0 ? '' : `; not back yet: ${some(missing)}`
  return [
    {
      severity: isPutBack && conflicts.length === 0 ? 'warning' : 'error',
      code: 'cluster-store-replaced',
      message: `the shared store has lost what it held, or is an older copy, since ${since}: ${done}${left}${away}`,
      help: `${helpAfterLoss(storeReplaced)}; the finding goes within two minutes after all is mended`,
    },
  ]
}

function helpAfterLoss({ conflicts, missing }: StoreReplaced): string {
  if (conflicts.length > 0)
    return 'it is tried again until the other host lets go: unplug what it has there; a host that an older copy knows again, and that was removed before: conet node rm NAME --fenced'
  if (missing.length > 0)
    return 'start conetd on those, which put back what they have; one that is gone for good: conet node rm NAME --fenced'
  return 'nothing is to be done'
}

export const addressesContested: Check = ({ contested = [] }) => {
  if (contested.length === 0) return []
  return [
    {
      severity: 'error',
      code: 'addresses-contested',
      message: `another host has what containers have: ${some(contested)}`,
      help: 'of the containers that are named, on their host: conet net unplug HANDLE ENDPOINT, then conet net plug HANDLE NETWORK, which gives another address or MAC; nobody is given what is contested meanwhile',
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
      help: cluster.help ?? 'give this host another --node, or the other one',
    },
  ]
}
