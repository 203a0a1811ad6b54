// The rows of the table, in order: what each measures, and what it has to reach. How, the groups know.

export type Goal = {
  /** Ratio of this row's median to that row's. Without it the goal is about the value itself. */
  readonly against?: string
  readonly atMost?: number
  readonly atLeast?: number
}

export type RowDefinition = {
  readonly name: string
  readonly unit: 'ms' | 'MB' | 'calls/s' | 'Gbit/s'
  readonly what: string
  readonly goal?: Goal
}

export const catalogue: readonly RowDefinition[] = [
  { name: 'http-empty', unit: 'ms', what: 'GET /healthz' },
  {
    name: 'null-plug',
    unit: 'ms',
    what: 'plug over HTTP, driver that does nothing',
    goal: { against: 'http-empty', atMost: 4 },
  },
  { name: 'null-unplug', unit: 'ms', what: 'unplug over HTTP, driver that does nothing' },
  { name: 'floor-plug', unit: 'ms', what: "the kernel toolkit alone doing a plug's work" },
  {
    name: 'bridge-plug',
    unit: 'ms',
    what: 'plug over HTTP, bridge driver, masquerade on',
    goal: { against: 'floor-plug', atMost: 2 },
  },
  { name: 'floor-unplug', unit: 'ms', what: 'one RTM_DELLINK' },
  {
    name: 'bridge-unplug',
    unit: 'ms',
    what: 'unplug over HTTP, bridge driver',
    goal: { against: 'floor-unplug', atMost: 1.3 },
  },
  {
    name: 'cni-add',
    unit: 'ms',
    what: 'ADD of the CNI bridge plugin, ipMasq, host-local',
    goal: { against: 'bridge-plug', atLeast: 8 },
  },
  { name: 'cni-del', unit: 'ms', what: 'DEL of the same', goal: { against: 'bridge-unplug' } },
  { name: 'exec-nothing', unit: 'ms', what: '/bin/true, run as the CNI plugin is' },
  { name: 'floor-plug-100', unit: 'ms', what: '100 plugs of the toolkit in a row' },
  {
    name: 'bridge-plug-100',
    unit: 'ms',
    what: '100 plugs at once into one network',
    goal: { against: 'floor-plug-100', atMost: 2 },
  },
  { name: 'floor-unplug-100', unit: 'ms', what: '100 RTM_DELLINK in a row' },
  {
    name: 'bridge-unplug-100',
    unit: 'ms',
    what: '100 unplugs at once',
    goal: { against: 'floor-unplug-100', atMost: 0.15 },
  },
  { name: 'floor-plug-10th', unit: 'ms', what: 'plug of the toolkit into a bridge with 9 ports' },
  {
    name: 'floor-plug-1000th',
    unit: 'ms',
    what: 'plug of the toolkit into a bridge with 999 ports',
    goal: { against: 'floor-plug-10th' },
  },
  { name: 'bridge-plug-10th', unit: 'ms', what: 'the 10th endpoint of a network' },
  {
    name: 'bridge-plug-1000th',
    unit: 'ms',
    what: 'the 1,000th endpoint of a network',
    goal: { against: 'bridge-plug-10th', atMost: 1.2 },
  },
  { name: 'conetd-rss', unit: 'MB', what: 'conetd with 1,000 endpoints', goal: { atMost: 160 } },
  { name: 'bridge-up', unit: 'ms', what: 'up of a container with one bridge network, over HTTP' },
  {
    name: 'bridge-up-policy',
    unit: 'ms',
    what: 'the same with 2 net_in and 10 net_out rules',
    goal: { against: 'bridge-up', atMost: 1.5 },
  },
  { name: 'port-map', unit: 'ms', what: 'a container gets a port of the machine, over HTTP' },
  {
    name: 'cni-portmap',
    unit: 'ms',
    what: 'ADD of the CNI plugin portmap, which runs iptables',
    goal: { against: 'port-map', atLeast: 10 },
  },
  {
    name: 'policy-10th',
    unit: 'ms',
    what: 'PUT of a policy with ten rules, each of 10 containers has its own',
  },
  {
    name: 'policy-1000th',
    unit: 'ms',
    what: 'the same, each of 1,000 containers has its own',
    goal: { against: 'policy-10th', atMost: 1.3 },
  },
  { name: 'nft-5000', unit: 'ms', what: '`nft -f` with 5,000 rules' },
  {
    name: 'policy-5000',
    unit: 'ms',
    what: 'the same rules as a policy in the bridge driver',
    goal: { against: 'nft-5000', atMost: 1.5 },
  },
  { name: 'packets-1', unit: 'ms', what: '20,000 packets that are all judged, one policy' },
  {
    name: 'packets-1000',
    unit: 'ms',
    what: 'the same with 1,000 policies',
    goal: { against: 'packets-1', atMost: 1.15 },
  },
  {
    name: 'line-call',
    unit: 'ms',
    what: 'one line of JSON to a plain process and one back, both on one processor',
  },
  {
    name: 'driver-call',
    unit: 'ms',
    what: "an unplug through conetd's session to the null driver and back",
    goal: { against: 'line-call', atMost: 1.7 },
  },
  { name: 'line-call-apart', unit: 'ms', what: 'the line of JSON, each side on a processor of its own' },
  {
    name: 'driver-call-apart',
    unit: 'ms',
    what: 'the unplug, each side on a processor of its own',
    goal: { against: 'line-call-apart', atMost: 1.7 },
  },
  { name: 'stock-calls-64', unit: 'calls/s', what: 'the same call over stock vscode-jsonrpc, 64 in flight' },
  {
    name: 'docker-calls-64',
    unit: 'calls/s',
    what: "the same call over Docker's plugin protocol, 64 in flight",
  },
  {
    name: 'driver-calls-64',
    unit: 'calls/s',
    what: "the same through conetd's session, 64 in flight",
    goal: { against: 'stock-calls-64', atLeast: 1.3 },
  },
  {
    name: 'driver-calls-http',
    unit: 'calls/s',
    what: 'the same figure again',
    goal: { against: 'docker-calls-64', atLeast: 3 },
  },
  { name: 'sync-parse', unit: 'ms', what: 'JSON.parse of what a sync of 10,000 endpoints says, once' },
  {
    name: 'driver-sync',
    unit: 'ms',
    what: 'conetd telling the null driver of 1,000 networks and 10,000 endpoints',
    goal: { against: 'sync-parse', atMost: 3 },
  },
  {
    name: 'driver-sync-block',
    unit: 'ms',
    what: "the longest that conetd's event loop stands still in it",
    goal: { atMost: 30 },
  },
  { name: 'plug-alone', unit: 'ms', what: 'plug over HTTP, null driver, no other driver there' },
  {
    name: 'plug-beside-broken',
    unit: 'ms',
    what: 'the same beside a broken driver: each of the zoo in its turn',
    goal: { against: 'plug-alone', atMost: 1.5 },
  },
  {
    name: 'plug-beside-noise',
    unit: 'ms',
    what: 'the same beside a driver that sends as fast as it can',
    goal: { against: 'plug-alone', atMost: 1.5 },
  },
  { name: 'etcd-put-watch', unit: 'ms', what: 'a put into etcd until it is watched' },
  {
    name: 'peer-change',
    unit: 'ms',
    what: 'an endpoint put into etcd until the kernels of three hosts have its entries',
    goal: { against: 'etcd-put-watch', atMost: 3 },
  },
  {
    name: 'published-reach',
    unit: 'ms',
    what: "a plug's answer with `published` until another host's container has an answer from it",
    goal: { against: 'etcd-put-watch', atMost: 5 },
  },
  {
    name: 'ip-batch-10000',
    unit: 'ms',
    what: '`bridge -batch` and `ip -batch` with the entries of 10,000 peers',
  },
  {
    name: 'peers-10000',
    unit: 'ms',
    what: 'the vxlan driver told of 10,000 peers, until they are in the kernel',
    goal: { against: 'ip-batch-10000', atMost: 1.5 },
  },
  { name: 'peer-in-empty', unit: 'ms', what: 'one peer in a network without others' },
  {
    name: 'peer-10001st',
    unit: 'ms',
    what: 'one more peer in a network with 10,000',
    goal: { against: 'peer-in-empty', atMost: 1.2 },
  },
  { name: 'underlay-stream', unit: 'Gbit/s', what: 'one TCP stream between two hosts' },
  { name: 'tunnel-stream', unit: 'Gbit/s', what: 'the same between them through a vxlan made with `ip`' },
  {
    name: 'handmade-stream',
    unit: 'Gbit/s',
    what: 'the same between containers, by veth, bridge and vxlan made with `ip`',
  },
  {
    name: 'overlay-stream',
    unit: 'Gbit/s',
    what: 'the same between containers of a vxlan network',
    goal: { against: 'handmade-stream', atLeast: 0.9 },
  },
  { name: 'node-start', unit: 'ms', what: 'node, doing nothing' },
  { name: 'cli-help', unit: 'ms', what: 'conet --help', goal: { against: 'node-start' } },
  {
    name: 'guardian-start',
    unit: 'ms',
    what: 'conet-guardian, up answered by a host that does nothing',
    goal: { against: 'node-start', atMost: 1.5 },
  },
]

/** The rows that were asked for and those that they are measured against. Throws a text for a name that is none. */
export function selectRows(only: readonly string[]): Set<string> {
  if (only.length === 0) return new Set(catalogue.map(({ name }) => name))
  const wanted = new Set<string>()
  for (const name of only) {
    const row = catalogue.find((candidate) => candidate.name === name)
    if (row === undefined) throw new UnknownRow(name)
    wanted.add(name)
    if (row.goal?.against !== undefined) wanted.add(row.goal.against)
  }
  return wanted
}

export class UnknownRow extends Error {
  constructor(name: string) {
    super(`there is no row ${name}; there are: ${catalogue.map((row) => row.name).join(', ')}`)
  }
}
