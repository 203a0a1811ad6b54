// Every failure conet can report, once. The numbers travel on the wire and are explained in docs/errors.md:
// add at the end of a block, never renumber, never reuse. Codes from 2000 on belong to drivers.

/** What is known of a call that failed: nothing was done, it may have been done, part of it was, or all of it. */
export type OperationState = 'not-started' | 'unknown' | 'partial' | 'done'

/** One failure of the catalogue. */
export type CatalogueEntry = {
  /** The number on the wire; outside the range that JSON-RPC reserves. */
  readonly code: number
  /** Whether the same call may succeed later without anybody changing its content. */
  readonly retryable: boolean
  /** What holds when the error itself says nothing about it. */
  readonly operationState: OperationState
  /** One sentence for docs/errors.md. */
  readonly meaning: string
}

/** All failures by kind. */
export const catalogue = {
  internal: {
    code: 1000,
    retryable: false,
    operationState: 'unknown',
    meaning: 'A bug in conet or in a driver; the log of the process that answered has the details.',
  },
  invalidArgument: {
    code: 1001,
    retryable: false,
    operationState: 'not-started',
    meaning: 'A field of the request is wrong; `fields` names each with its path.',
  },
  notFound: {
    code: 1002,
    retryable: false,
    operationState: 'not-started',
    meaning: 'The object named in the request is not known.',
  },
  conflict: {
    code: 1003,
    retryable: false,
    operationState: 'not-started',
    meaning: 'An object with that id or name exists with other content.',
  },
  inUse: {
    code: 1004,
    retryable: false,
    operationState: 'not-started',
    meaning: 'The object is still used by others, which the message names.',
  },
  unsupported: {
    code: 1005,
    retryable: false,
    operationState: 'not-started',
    meaning: 'The driver does not offer what was asked.',
  },
  permissionDenied: {
    code: 1006,
    retryable: false,
    operationState: 'not-started',
    meaning: 'The caller, or the process that answered, may not do that.',
  },
  failedPrecondition: {
    code: 1007,
    retryable: false,
    operationState: 'not-started',
    meaning: 'The object is in a state in which this step is not legal.',
  },
  peersGap: {
    code: 1008,
    retryable: false,
    operationState: 'not-started',
    meaning:
      'The driver does not hold the version of the directory that the batch builds on; `details.held` is the one it holds.',
  },
  notAttached: {
    code: 1009,
    retryable: false,
    operationState: 'not-started',
    meaning: 'The request names an attachment that the container does not have; `fields` names each.',
  },
  operationPending: {
    code: 1101,
    retryable: true,
    operationState: 'not-started',
    meaning: 'Another operation on the same object is under way.',
  },
  overloaded: {
    code: 1103,
    retryable: true,
    operationState: 'not-started',
    meaning: 'Too much is under way; try again later.',
  },
  notReady: {
    code: 1104,
    retryable: true,
    operationState: 'not-started',
    meaning: 'The driver is connected but not ready to work yet.',
  },
  draining: {
    code: 1105,
    retryable: true,
    operationState: 'not-started',
    meaning: 'The driver takes no new work because it is about to end.',
  },
  backendUnavailable: {
    code: 1106,
    retryable: true,
    operationState: 'unknown',
    meaning: 'Something the driver depends on does not answer.',
  },
  storageFull: {
    code: 1107,
    retryable: true,
    operationState: 'not-started',
    meaning: 'The change could not be recorded: the disk, or the store’s own limit, is full.',
  },
  clusterUnavailable: {
    code: 1108,
    retryable: true,
    operationState: 'unknown',
    meaning: 'The shared store of the cluster does not answer, or refuses this host.',
  },
  deadlineExceeded: {
    code: 1201,
    retryable: true,
    operationState: 'unknown',
    meaning: 'No answer came within the time allowed; the host repairs what may be half done.',
  },
  cancelled: {
    code: 1202,
    retryable: true,
    operationState: 'unknown',
    meaning: 'The caller gave the operation up.',
  },
  unsupportedProtocolVersion: {
    code: 1301,
    retryable: false,
    operationState: 'not-started',
    meaning: 'Host and driver share no protocol version; the message shows both lists.',
  },
  alreadyInitialized: {
    code: 1305,
    retryable: false,
    operationState: 'not-started',
    meaning: 'A second `initialize` came on one connection.',
  },
  notInitialized: {
    code: 1307,
    retryable: false,
    operationState: 'not-started',
    meaning: 'A call came before `initialize`.',
  },
  messageTooLarge: {
    code: 1308,
    retryable: false,
    operationState: 'not-started',
    meaning: 'A message would be larger than the other side takes.',
  },
  duplicateName: {
    code: 1310,
    retryable: false,
    operationState: 'not-started',
    meaning: 'Another connected driver has the same name; the message names both sockets.',
  },
  replaced: {
    code: 1311,
    retryable: false,
    operationState: 'not-started',
    meaning: 'A newer instance of the driver has taken over its networks; this one may end.',
  },
  versionRefused: {
    code: 1312,
    retryable: false,
    operationState: 'not-started',
    meaning: 'The host’s configuration does not take this version of the driver; the message names the rule.',
  },
  kernelRefused: {
    code: 1401,
    retryable: false,
    operationState: 'partial',
    meaning: 'The kernel refused a step; `details` has the errno and the kernel’s own message.',
  },
  invalidSandbox: {
    code: 1402,
    retryable: false,
    operationState: 'not-started',
    meaning: 'The sandbox path is not a network namespace, is the host’s own, or is gone.',
  },
  sandboxUnreachable: {
    code: 1403,
    retryable: false,
    operationState: 'not-started',
    meaning: 'The driver sees a plain file at the sandbox path: it runs in another mount namespace.',
  },
  driverUnavailable: {
    code: 1501,
    retryable: true,
    operationState: 'not-started',
    meaning: 'The driver of this network is not connected, or its connection ended before the answer.',
  },
  unknownDriver: {
    code: 1502,
    retryable: false,
    operationState: 'not-started',
    meaning: 'No driver of that name was ever seen; the message lists the known ones.',
  },
  protocolViolation: {
    code: 1503,
    retryable: false,
    operationState: 'unknown',
    meaning: 'The other side broke the driver protocol; the connection was closed.',
  },
  hostUnavailable: {
    code: 1504,
    retryable: true,
    operationState: 'not-started',
    meaning: 'conetd does not listen at the socket, or ended before it answered.',
  },
  programUnavailable: {
    code: 1505,
    retryable: true,
    operationState: 'not-started',
    meaning: 'A part of conetd cannot be loaded: its program files were replaced or removed while it runs.',
  },
  addressInUse: {
    code: 1601,
    retryable: false,
    operationState: 'not-started',
    meaning: 'The requested address or MAC belongs to another endpoint.',
  },
  addressOutOfRange: {
    code: 1602,
    retryable: false,
    operationState: 'not-started',
    meaning: 'The requested address lies in no subnet of the network, or is not one that endpoints get.',
  },
  addressesExhausted: {
    code: 1603,
    retryable: true,
    operationState: 'not-started',
    meaning: 'No free address is left in a subnet of the network, or no free subnet in the default pools.',
  },
  subnetOverlap: {
    code: 1604,
    retryable: false,
    operationState: 'not-started',
    meaning: 'A subnet overlaps another network’s or a route of the machine; the message names it.',
  },
  portInUse: {
    code: 1605,
    retryable: false,
    operationState: 'not-started',
    meaning:
      'A port of the machine belongs to another endpoint, or a process listens on it; the message names who.',
  },
  portsExhausted: {
    code: 1606,
    retryable: true,
    operationState: 'not-started',
    meaning: 'The pool of ports has no free one, or not as many in a row; `details` shows its use.',
  },
} as const satisfies Record<string, CatalogueEntry>

/** The stable name of a failure: what programs branch on. */
export type ErrorKind = keyof typeof catalogue

const kindsByCode = new Map<number, ErrorKind>(
  Object.keys(catalogue)
    .filter(isErrorKind)
    .map((kind) => [catalogue[kind].code, kind]),
)

/** The kind that a code on the wire stands for, or undefined for a driver's own code. */
export function kindOfCode(code: number): ErrorKind | undefined {
  return kindsByCode.get(code)
}

/** Whether a text, from the wire or from HTTP, is a kind of this catalogue: a newer side may know more. */
export function isErrorKind(value: unknown): value is ErrorKind {
  return typeof value === 'string' && Object.hasOwn(catalogue, value)
}
