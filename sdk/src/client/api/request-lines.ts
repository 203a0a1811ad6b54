// Method, path and family of every call of the HTTP API: what is needed to send one. No schemas, so that a program that
// only calls conetd (an OCI hook, the CLI) loads in a few milliseconds.

/** What is needed to send a call of the HTTP API. */
export type RequestLine = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `:name` members are given by the caller, percent-encoded. */
  readonly path: string
  /** `client`: both sockets. `runtime`: the runtime socket alone. */
  readonly family: 'client' | 'runtime'
  /** True: the caller may send an Idempotency-Key, so that a lost answer does not make the thing twice. */
  readonly makesSomething?: boolean
}

/** Every call of the HTTP API by its name: what the methods of `ConetClient` send. */
export const requestLines = {
  createNetwork: { method: 'POST', path: '/networks', family: 'client', makesSomething: true },
  listNetworks: { method: 'GET', path: '/networks', family: 'client' },
  getNetwork: { method: 'GET', path: '/networks/:network', family: 'client' },
  deleteNetwork: { method: 'DELETE', path: '/networks/:network', family: 'client' },
  forgetNetwork: { method: 'POST', path: '/networks/:network/forget', family: 'client' },
  putContainerConfig: { method: 'PUT', path: '/containers/:handle/config', family: 'client' },
  getContainerConfig: { method: 'GET', path: '/containers/:handle/config', family: 'client' },
  putContainerPolicy: { method: 'PUT', path: '/containers/:handle/policy', family: 'client' },
  getContainerPolicy: { method: 'GET', path: '/containers/:handle/policy', family: 'client' },
  putDefaultPolicy: { method: 'PUT', path: '/networks/:network/default_policy', family: 'client' },
  getDefaultPolicy: { method: 'GET', path: '/networks/:network/default_policy', family: 'client' },
  getContainerMetrics: { method: 'GET', path: '/containers/:handle/metrics', family: 'client' },
  listContainerMetrics: { method: 'GET', path: '/metrics/containers', family: 'client' },
  listContainers: { method: 'GET', path: '/containers', family: 'client' },
  getContainer: { method: 'GET', path: '/containers/:handle', family: 'client' },
  deleteContainer: { method: 'DELETE', path: '/containers/:handle', family: 'client' },
  getContainerEvents: { method: 'GET', path: '/containers/:handle/events', family: 'client' },
  plug: { method: 'POST', path: '/containers/:handle/endpoints', family: 'client', makesSomething: true },
  unplug: { method: 'DELETE', path: '/containers/:handle/endpoints/:endpoint', family: 'client' },
  up: { method: 'POST', path: '/internal/containers/:handle/up', family: 'runtime' },
  down: { method: 'POST', path: '/internal/containers/:handle/down', family: 'runtime' },
  netIn: { method: 'POST', path: '/garden/containers/:handle/net/in', family: 'runtime' },
  netOut: { method: 'POST', path: '/garden/containers/:handle/net/out', family: 'runtime' },
  netOutBulk: { method: 'POST', path: '/garden/containers/:handle/net/out/bulk', family: 'runtime' },
  listDrivers: { method: 'GET', path: '/drivers', family: 'client' },
  getDriver: { method: 'GET', path: '/drivers/:driver', family: 'client' },
  startDriver: { method: 'POST', path: '/drivers/:driver/start', family: 'client' },
  stopDriver: { method: 'POST', path: '/drivers/:driver/stop', family: 'client' },
  listNodes: { method: 'GET', path: '/nodes', family: 'client' },
  getNode: { method: 'GET', path: '/nodes/:node', family: 'client' },
  removeNode: { method: 'DELETE', path: '/nodes/:node', family: 'client' },
  fenceNode: { method: 'POST', path: '/nodes/:node/fenced', family: 'client' },
  listPools: { method: 'GET', path: '/pools', family: 'client' },
  previewReconciliation: { method: 'GET', path: '/reconciliation', family: 'client' },
  reconcile: { method: 'POST', path: '/reconciliation', family: 'client' },
  status: { method: 'GET', path: '/status', family: 'client' },
  health: { method: 'GET', path: '/healthz', family: 'client' },
} as const satisfies Record<string, RequestLine>

/** The name of a call of the HTTP API: `createNetwork`. */
export type RouteName = keyof typeof requestLines
