// Rules of docs/protocol.md that bind the host alone, and the test that proves each: the kit is a host itself, and cannot.
// Whoever renames such a test writes its new name here.

export type Proof = {
  /** Below test/. */
  readonly file: string
  /** Of a test in it, or a part of one. */
  readonly test: string
}

const session = (test: string): Proof => ({ file: 'unit/host/drivers/session.test.ts', test })
const succession = (test: string): Proof => ({ file: 'unit/host/drivers/succession.test.ts', test })
const hostilePeer = (test: string): Proof => ({ file: 'unit/jsonrpc/hostile-peer.test.ts', test })

const policy = (test: string): Proof => ({ file: 'e2e/policy.test.ts', test })
const ports = (test: string): Proof => ({ file: 'e2e/policy-ports.test.ts', test })
const hosts = (test: string): Proof => ({ file: 'e2e/cluster/hosts.test.ts', test })

/** By the rule's id. */
export const hostRules: Readonly<Record<string, Proof>> = {
  'SOCK-9': {
    file: 'unit/host/drivers/discovery.test.ts',
    test: 'reports a symbolic link, a socket that others may write to and a foreign owner',
  },
  'SOCK-10': {
    file: 'e2e/drivers-refused.test.ts',
    test: 'and puts its socket over that of the first is dialled',
  },
  'FRM-8': hostilePeer('when a header dribbles for longer than its limit'),
  'FRM-11': hostilePeer('gets no new calls once its backlog is full, and is cut when it stays so'),
  'RPC-7': { file: 'unit/jsonrpc/peer.test.ts', test: 'a hundred calls at once each get their own answer' },
  'HS-1': session('introduces the host and learns who the driver is'),
  'HS-13': session('rejects a driver that answers with %s, tells it why, and does not retry'),
  'HS-14': { file: 'chaos/documents.test.ts', test: 'reach the driver untouched: config and default policy' },
  'HS-15': session('lets no one else’s call through before the sync is done'),
  'HS-16': session('tries a rejected driver again when another socket stands in its place'),
  'HS-17': {
    file: 'unit/host/drivers/registry.test.ts',
    test: 'refuses a second driver of the same name, names both sockets',
  },
  'HS-18': { file: 'e2e/drivers-refused.test.ts', test: 'is told so and shown with the rule' },
  'CALL-1': session('sends calls in the order they are made, with operation id, attempt and time'),
  'CALL-8': {
    file: 'unit/host/drivers/driver-calls.test.ts',
    test: 'are never more at once than the driver takes',
  },
  'DL-2': {
    file: 'unit/jsonrpc/peer.test.ts',
    test: 'fails at its deadline, names method and time, and is cancelled',
  },
  'PROG-4': { file: 'unit/host/drivers/driver-calls.test.ts', test: 'know of no progress but their own' },
  'ERR-6': {
    file: 'unit/jsonrpc/wire-error.test.ts',
    test: "with a driver's own number follows the name or the retryable mark",
  },
  'IDEM-6': {
    file: 'chaos/driver-trouble.test.ts',
    test: 'keeps the address of what it may still hold until it has confirmed that it is gone',
  },
  'IDEM-7': {
    file: 'unit/cli/network-commands.test.ts',
    test: 'prints the network id, 64 hexadecimal digits',
  },
  'EP-3': { file: 'chaos/driver-addresses.test.ts', test: 'what it answers stands in every later call' },
  'RES-4': {
    file: 'kernel/sandbox/host-interface.test.ts',
    test: 'gets name, MAC, MTU, addresses, the link-local one of its MAC, routes, neighbours and sysctls in the sandbox',
  },
  'RES-5': {
    file: 'kernel/sandbox/host-interface.test.ts',
    test: 'of the veth kind stays for its driver to delete, and goes afterwards if that did not',
  },
  'RES-6': { file: 'chaos/host-interfaces.test.ts', test: 'the sandbox as the source' },
  'RES-8': {
    file: 'unit/host/domain/dns.test.ts',
    test: 'what several networks say to a resolver is told once each',
  },
  'SYNC-1': {
    file: 'e2e/sync-pages.test.ts',
    test: 'is told everything in small pages, networks before their endpoints',
  },
  'SYNC-9': {
    file: 'chaos/driver-trouble.test.ts',
    test: 'what a driver could not make at its sync is tried again',
  },
  'SYNC-10': {
    file: 'e2e/sync-pages.test.ts',
    test: 'while one driver is told, another one works for its containers, and notices come through in their order',
  },
  'HLTH-2': session('disconnects after three pings without an answer, and dials again'),
  'HLTH-3': { file: 'unit/host/drivers/backoff.test.ts', test: 'doubles from the first wait to the longest' },
  'HLTH-7': {
    file: 'unit/host/drivers/driver-calls.test.ts',
    test: 'is made at once, by the clock, and after a failure',
  },
  'UPG-3': succession('is a duplicate for a driver of another vendor'),
  'UPG-4': succession(
    'lets calls that were begun on the old one end there, and makes later ones wait for it',
  ),
  'UPG-5': succession('takes over while calls go on, and not one of them fails'),
  'UPG-6': succession('that dies soon after it took over gives the old one back its place, by a sync'),
  'UPG-7': succession('the old one is drained and then told'),
  'UPG-9': {
    file: 'e2e/hot-upgrade-restart.test.ts',
    test: 'the one that has taken over works, and the old one, which answers later, is told that it ends',
  },
  'EVT-2': session('drops the lines of a driver that floods the log'),
  'EVT-3': session('hands over events, logs and readiness, and drops what breaks the contract'),
  'SPAN-1': hosts('learns the underlay address of its host, the same each time it is connected'),
  'SPAN-3': hosts(
    'is one, also when two hosts create it in the same instant; other networks have other numbers',
  ),
  'PEER-1': hosts('is told to the driver of each host: the whole first, then what changes'),
  'PEER-2': {
    file: 'e2e/cluster/directory.test.ts',
    test: 'never has a version twice, also not when the store is as it was',
  },
  'PEER-5': hosts('is told to the driver of each host: the whole first, then what changes'),
  'PEER-11': {
    file: 'e2e/cluster/three-hosts.test.ts',
    test: 'has no duplicate address and no stale entry after it',
  },
  'POL-1': policy('a driver that takes no policies is named, and one whose schema refuses'),
  'POL-10': policy('where the second driver fails the first one gets its former policy back'),
  'POL-11': policy('what cannot be put back is shown as diverged, and repaired'),
  'POL-13': policy('what only the driver can know of a document is refused when it is written'),
  'PORT-2': ports('ports come from the pool in turn, stay over changes and a restart of conetd'),
  'PORT-4': ports('a port that another endpoint or a process has is refused'),
  'STAT-4': policy('counters of a container come by the names of its attachments'),
  'PRIV-3': {
    file: 'chaos/shared-interface.test.ts',
    test: 'get its name, no counters where their driver does not count, and no interface of the host’s making',
  },
}
