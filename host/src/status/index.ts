// Everything that a person should know about this machine and this host, worst first.
import type { Finding } from '@conet/sdk/api'
import {
  addressesContested,
  clusterAway,
  clusterFormerName,
  clusterNameTaken,
  clusterStoreReplaced,
  networkNamesAmbiguous,
  underlayAddressesUnfit,
  underlayAddressMissing,
} from './cluster-checks.ts'
import {
  configurationsUnused,
  containersUnplugged,
  downsUnreadable,
  processesGone,
  sandboxesGone,
} from './container-checks.ts'
import {
  driverDegraded,
  driverFileIgnored,
  driverNotReady,
  driverRejected,
  driverSocketDead,
  driverSocketRefused,
  driverUnhealthy,
} from './driver-checks.ts'
import type { StatusFacts } from './facts.ts'
import {
  bridgedPacketsFiltered,
  firewallUnreadable,
  forwardPolicyDrop,
  ipv4ForwardingOff,
  ipv6ForwardingOff,
  programUnavailable,
  subnetsRoutedElsewhere,
  uplinkForwardingOff,
} from './machine-checks.ts'
import { mappedPortsEphemeral, mappedPortsNowhere, portPoolEphemeral } from './port-checks.ts'
import {
  deletionsPending,
  endpointsInTrouble,
  networksInTrouble,
  recordsQuarantined,
} from './record-checks.ts'

export { isAway } from './driver-checks.ts'
export type { MachineFacts, StatusFacts } from './facts.ts'
export { MachineReader } from './machine-reader.ts'

const checks = [
  recordsQuarantined,
  programUnavailable,
  clusterAway,
  clusterNameTaken,
  clusterFormerName,
  clusterStoreReplaced,
  addressesContested,
  underlayAddressMissing,
  underlayAddressesUnfit,
  networkNamesAmbiguous,
  driverRejected,
  driverNotReady,
  driverDegraded,
  driverUnhealthy,
  driverSocketRefused,
  driverSocketDead,
  driverFileIgnored,
  networksInTrouble,
  endpointsInTrouble,
  deletionsPending,
  sandboxesGone,
  containersUnplugged,
  processesGone,
  downsUnreadable,
  configurationsUnused,
  ipv4ForwardingOff,
  ipv6ForwardingOff,
  uplinkForwardingOff,
  subnetsRoutedElsewhere,
  forwardPolicyDrop,
  bridgedPacketsFiltered,
  firewallUnreadable,
  portPoolEphemeral,
  mappedPortsNowhere,
  mappedPortsEphemeral,
]

const rank = { error: 0, warning: 1, info: 2 }

export function findingsOf(facts: StatusFacts): Finding[] {
  const findings = checks.flatMap((check) => check(facts))
  return findings.sort((a, b) => rank[a.severity] - rank[b.severity])
}
