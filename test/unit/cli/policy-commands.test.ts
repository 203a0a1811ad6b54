// conet container policy, container metrics, net default-policy.
import { writeFileSync } from 'node:fs'
import type { ContainerPolicyView } from '@conet/sdk/client'
import { expect, it } from 'vitest'
import { conet } from '../../support/run-conet.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { fakeHost } from '../client/fake-host.ts'
import { network, networkId } from '../client/samples.ts'

const shown: ContainerPolicyView = {
  networks: { web: { rate: 1 }, storage: null },
  effective: {
    web: {
      network_id: networkId,
      network_name: 'web',
      source: 'container',
      policy: { rate: 1 },
      state: 'in_force',
      mapped_ports: [
        { protocol: 'tcp', host_port: 61_001, container_port: 8080 },
        { protocol: 'udp', host_port: 61_002, container_port: 53, count: 2, host_address: '192.0.2.1' },
      ],
    },
    backend: {
      network_id: networkId,
      network_name: 'backend',
      source: 'default',
      policy: { rate: 2, net_in: [] },
      added: { net_in: [] },
      state: 'in_force',
      mapped_ports: [],
    },
    storage: {
      network_id: networkId,
      network_name: 'storage',
      source: 'none',
      state: 'diverged',
      mapped_ports: [],
      last_error: 'no answer',
    },
  },
}

it('container policy shows what stands for each attachment, and the ports', async () => {
  await using host = await fakeHost({ getContainerPolicy: () => ({ body: shown }) })
  expect((await conet(['container', 'policy', 'c1'], host)).out).toBe(`\
ATTACHMENT   NETWORK   FROM              STATE                 PORTS                                            POLICY
web          web       container         in_force              61001→8080/tcp,192.0.2.1:61002-61003→53-54/udp   {"rate":1}
backend      backend   default + added   in_force              -                                                {"rate":2,"net_in":[]}
storage      storage   none              diverged: no answer   -                                                -
`)
  expect(JSON.parse((await conet(['container', 'policy', 'c1', '--json'], host)).out)).toEqual(shown)
})

it('container policy sends what a file says, and resets', async () => {
  await using directory = await temporaryDirectory()
  const path = `${directory.path}/policy.json`
  writeFileSync(path, JSON.stringify(shown))
  await using host = await fakeHost({ putContainerPolicy: () => ({ body: shown }) })
  expect((await conet(['container', 'policy', 'c1', '--file', path], host)).code).toBe(0)
  expect(host.seen[0]?.body).toEqual({ networks: { web: { rate: 1 }, storage: null } })
  await conet(['container', 'policy', 'c1', '--reset', 'web', '--reset', 'storage'], host)
  expect(host.seen[1]?.body).toEqual({ networks: { web: null, storage: null } })
  writeFileSync(path, '{"web":{"rate":1}}')
  const wrong = await conet(['container', 'policy', 'c1', '--file', path], host)
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('{"networks":') })
})

it('net default-policy shows, sets and removes the document', async () => {
  await using directory = await temporaryDirectory()
  const path = `${directory.path}/policy.json`
  writeFileSync(path, '{"rate":2}')
  await using host = await fakeHost({
    getNetwork: () => ({ body: network() }),
    putDefaultPolicy: () => ({ body: network({ default_policy: { rate: 2 } }) }),
  })
  expect((await conet(['net', 'default-policy', 'web'], host)).out).toBe('none\n')
  expect((await conet(['net', 'default-policy', 'web', '--file', path], host)).out).toBe('{"rate":2}\n')
  expect(host.seen[1]?.body).toEqual({ rate: 2 })
  await conet(['net', 'default-policy', 'web', '--none'], host)
  expect(host.seen[2]?.body).toBeNull()
})

it('container metrics shows the counters of some containers, or of all', async () => {
  const counted = {
    network_id: networkId,
    network_name: 'web',
    interface: 'eth0',
    rx_bytes: 1,
    tx_bytes: 2,
    rx_packets: 3,
    tx_packets: 4,
    rx_errors: 5,
    tx_errors: 6,
    rx_dropped: 7,
    tx_dropped: 8,
  }
  await using host = await fakeHost({
    getContainerMetrics: () => ({ body: { networks: { web: counted } } }),
    listContainerMetrics: () => ({ body: { containers: { c9: { networks: { web: counted } } } } }),
  })
  expect((await conet(['container', 'metrics', 'c1', '--no-trunc'], host)).out).toBe(`\
CONTAINER   ATTACHMENT   INTERFACE   RX BYTES   PACKETS   ERRORS   DROPPED   TX BYTES   PACKETS   ERRORS   DROPPED
c1          web          eth0        1          3         5        7         2          4         6        8
`)
  const all = await conet(['container', 'metrics', '--json'], host)
  expect(JSON.parse(all.out)).toEqual({ c9: { networks: { web: counted } } })
})
