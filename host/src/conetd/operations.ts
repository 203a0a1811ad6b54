// The lifecycle's operations, bound to one host, as the API calls them. What they take is
// measured, and what fails is an event too.
import type { Operations } from '../api/api-context.ts'
import {
  configureContainer,
  createNetwork,
  deleteNetwork,
  down,
  forgetNetwork,
  type HostContext,
  type HostEvent,
  netIn,
  netOut,
  netOutBulk,
  plug,
  readCounters,
  removeContainer,
  setDefaultPolicy,
  setPolicies,
  tellingFailure,
  unplug,
  up,
} from '../lifecycle/index.ts'
import type { OperationTimings } from '../metrics/operation-timings.ts'

export function bindOperations(host: HostContext, timings: OperationTimings): Operations {
  const run = <T>(kind: string, about: Omit<HostEvent, 'type'>, work: () => Promise<T>) =>
    timings.time(kind, () => tellingFailure(host.events, { type: `${kind}-failed`, ...about }, work))
  return {
    createNetwork: (body, operation) => run('network.create', {}, () => createNetwork(host, body, operation)),
    deleteNetwork: (key, operation) => run('network.delete', {}, () => deleteNetwork(host, key, operation)),
    forgetNetwork: (key, operation) => run('network.forget', {}, () => forgetNetwork(host, key, operation)),
    configureContainer: (container, body, operation) =>
      run('container.configure', { container }, () => configureContainer(host, container, body, operation)),
    removeContainer: (container, operation) =>
      run('container.remove', { container }, () => removeContainer(host, container, operation)),
    setPolicies: (container, patch, operation) =>
      run('policy.change', { container }, () => setPolicies(host, container, patch, operation)),
    setDefaultPolicy: (network, policy, operation) =>
      run('policy.change', {}, () => setDefaultPolicy(host, network, policy, operation)),
    readCounters: (endpoints, operation) => readCounters(host, endpoints, operation),
    plug: (container, body, operation) =>
      run('endpoint.plug', { container }, () => plug(host, container, body, operation)),
    unplug: (container, key, operation) =>
      run('endpoint.unplug', { container }, () => unplug(host, container, key, operation)),
    up: (container, source, operation) =>
      run('container.up', { container }, () => up(host, container, source, operation)),
    down: (container, operation) =>
      run('container.down', { container }, () => down(host, container, operation)),
    netIn: (container, wish, operation) =>
      run('container.net-in', { container }, () => netIn(host, container, wish, operation)),
    netOut: (container, rule, operation) =>
      run('container.net-out', { container }, () => netOut(host, container, rule, operation)),
    netOutBulk: (container, rules, operation) =>
      run('container.net-out', { container }, () => netOutBulk(host, container, rules, operation)),
  }
}
