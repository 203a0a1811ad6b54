// Objects as the host shows them, each complete, with what a test cares about put over it.
import type { ContainerView, DriverView, EndpointView, NetworkView, StatusView } from '@conet/sdk/client'

export const networkId = '67ea60624dfc1a6c08ba141c6cc022265e6fff81a44668c0135830a92de0b5e1'
export const endpointId = '5a624939c64c751c6276f852c2a01e54de49ba2894d922a07feebd2c56834900'

export function network(wishes: Partial<NetworkView> = {}): NetworkView {
  return {
    id: networkId,
    name: 'stupefied_fermi',
    type: 'bridge',
    state: 'active',
    driver_state: 'ready',
    labels: {},
    internal: false,
    subnets: [{ subnet: '10.1.0.0/16', gateway: '10.1.0.1', exclude: [], used: 1, capacity: 65533 }],
    config: {},
    created_at: '2026-01-02T03:04:05.678Z',
    endpoints: [],
    containers: [],
    ...wishes,
  }
}

export function endpoint(wishes: Partial<EndpointView> = {}): EndpointView {
  return {
    id: endpointId,
    network_id: networkId,
    network_name: 'stupefied_fermi',
    container: 'backstabbing_hopper',
    attachment: 'stupefied_fermi',
    state: 'plugged',
    interfaces: [
      {
        name: 'eth0',
        mac_address: '02:42:0a:01:00:02',
        addresses: ['10.1.0.2/16'],
        mtu: 1500,
        default_route: true,
        routes: [],
      },
    ],
    created_at: '2026-01-02T03:04:06.000Z',
    ...wishes,
  }
}

export function container(wishes: Partial<ContainerView> = {}): ContainerView {
  return {
    handle: 'backstabbing_hopper',
    state: 'up',
    labels: {},
    config: {},
    sandbox: { id: 'a1', path: '/run/conet/netns/a1', owner: 'runtime', pid: 4711 },
    attachments: [
      {
        name: 'stupefied_fermi',
        network_id: networkId,
        network_name: 'stupefied_fermi',
        endpoint_id: endpointId,
      },
    ],
    endpoints: [endpoint()],
    networks: {},
    created_at: '2026-01-02T03:04:05.900Z',
    ...wishes,
  }
}

export function driver(wishes: Partial<DriverView> = {}): DriverView {
  return {
    name: 'bridge',
    state: 'ready',
    since: '2026-01-02T03:04:05.000Z',
    socket: '/run/conet/drivers/bridge.sock',
    version: '0.1.0',
    vendor: 'conet',
    attempts: 0,
    calls_in_flight: [],
    methods: [],
    violations: [],
    ...wishes,
  }
}

export function status(wishes: Partial<StatusView> = {}): StatusView {
  return {
    version: '0.1.0',
    pid: 4242,
    started_at: '2026-01-02T03:04:05.000Z',
    state_dir: '/var/lib/conet',
    run_dir: '/run/conet',
    driver_dir: '/run/conet/drivers',
    socket: '/run/conet/conetd.sock',
    runtime_socket: '/run/conet/conetd.runtime.sock',
    counts: { networks: 1, containers: 1, endpoints: 1, drivers: 2, pending_deletions: 0 },
    findings: [],
    ...wishes,
  }
}
