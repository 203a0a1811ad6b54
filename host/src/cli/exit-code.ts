// The exit codes of `conet`: which kind of failure gives which, and the page that explains them.
import type { ErrorKind } from '@conet/sdk/client'

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  unavailable: 5,
  timeout: 6,
  denied: 7,
  exhausted: 8,
} as const

/** Kinds that are not here fail with 1. */
const codesByKind: Partial<Record<ErrorKind, number>> = {
  invalidArgument: exitCodes.usage,
  addressOutOfRange: exitCodes.usage,
  invalidSandbox: exitCodes.usage,
  sandboxUnreachable: exitCodes.usage,
  messageTooLarge: exitCodes.usage,
  notFound: exitCodes.notFound,
  notAttached: exitCodes.notFound,
  unknownDriver: exitCodes.notFound,
  conflict: exitCodes.conflict,
  inUse: exitCodes.conflict,
  failedPrecondition: exitCodes.conflict,
  operationPending: exitCodes.conflict,
  duplicateName: exitCodes.conflict,
  addressInUse: exitCodes.conflict,
  subnetOverlap: exitCodes.conflict,
  portInUse: exitCodes.conflict,
  hostUnavailable: exitCodes.unavailable,
  programUnavailable: exitCodes.unavailable,
  driverUnavailable: exitCodes.unavailable,
  backendUnavailable: exitCodes.unavailable,
  clusterUnavailable: exitCodes.unavailable,
  notReady: exitCodes.unavailable,
  draining: exitCodes.unavailable,
  overloaded: exitCodes.unavailable,
  deadlineExceeded: exitCodes.timeout,
  permissionDenied: exitCodes.denied,
  addressesExhausted: exitCodes.exhausted,
  portsExhausted: exitCodes.exhausted,
  storageFull: exitCodes.exhausted,
}

export function exitCodeOf(kind: ErrorKind): number {
  return codesByKind[kind] ?? exitCodes.failed
}

export const exitCodesText = `The exit codes of conet:

    0   done
    1   failed, for a reason that no other code names
    2   the command line, or a value in it, is wrong
    3   no such network, container, endpoint, attachment or driver
    4   in conflict with what there is: exists with other content, in use, not in a state for it
    5   conetd, the driver or the cluster’s store that is needed, is not there or not ready
    6   no answer in time (--timeout); conetd goes on or repairs
    7   not permitted: the socket, or what was asked
    8   no free address, subnet or port is left, or the disk is full
  130   ended by Ctrl-C; 143: by SIGTERM

With several names the command goes on after a failure. It exits with the code of the failures if they
agree, else with 1.
`
