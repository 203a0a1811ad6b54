// What Garden's clients read when a call is refused: Garden's words, or what is wrong with what they sent; nothing of attachments and
// policies, of which they do not know.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { httpCall } from '../support/unix-http.ts'

const attachment = { name: 'garden', type: 'bridge', subnets: [{ subnet: '10.97.0.0/24' }] }

let fixture: ConetdFixture

beforeAll(async () => {
  fixture = await ConetdFixture.start({
    drivers: ['bridge'],
    config: { default_attachment: attachment, ports: { start: 61_001, size: 2 } },
  })
  await fixture.client.up('h1')
})
afterAll(() => fixture?.[Symbol.asyncDispose]())

async function call(name: string, body: unknown, handle = 'h1'): Promise<unknown> {
  const { status, text } = await httpCall(fixture.conetd.runtimeSocket, {
    method: 'POST',
    path: `/garden/containers/${handle}/net/${name}`,
    body,
  })
  return { status, ...JSON.parse(text) }
}

const refusal = (Message: unknown) => ({
  status: 500,
  Type: '',
  Message,
  Handle: '',
  ProcessID: '',
  Binary: '',
})

const ports = [{ start: 80, end: 80 }]

it.each([
  ['out', { protocol: 3, ports }, 'Ports cannot be specified for Protocol ICMP'],
  ['out', { ports }, 'Ports cannot be specified for Protocol ALL'],
  ['out/bulk', [{}, { protocol: 3, ports }], 'Ports cannot be specified for Protocol ICMP'],
  ['out', { networks: [{ start: 'nowhere' }] }, 'netout_rule.networks[0] "nowhere" is no IP address'],
  [
    'out/bulk',
    [{}, { networks: [{ start: 'nowhere' }] }],
    'netout_rules[1].networks[0] "nowhere" is no IP address',
  ],
  [
    'out',
    { protocol: 1, ports: [{ start: 90, end: 80 }] },
    'netout_rule.ports[0] must not end before it starts',
  ],
  ['out', { protocol: 1, ports: [null] }, 'netout_rule.ports[0] is port 0 alone, which nobody has'],
  [
    'out/bulk',
    [{ protocol: 2, ports: [{ start: 80 }, {}] }],
    'netout_rules[0].ports[1] is port 0 alone, which nobody has',
  ],
] as const)('[B19] net %s of %j is refused in words of Garden’s call', async (name, body, message) => {
  expect(await call(name, body)).toEqual(refusal(message))
})

it('[B19] what Go writes for one port, or for a range that begins at 0, is taken', async () => {
  const ranges = [{ start: 80, end: 0 }, { start: 80 }, { end: 90 }]
  for (const range of ranges)
    expect(await call('out', { protocol: 1, ports: [range] })).toMatchObject({ status: 200 })
  const { garden } = (await fixture.client.getContainerPolicy('h1')).networks
  expect(garden?.net_out).toMatchObject([
    { ports: [{ start: 80, end: 80 }] },
    { ports: [{ start: 80, end: 80 }] },
    { ports: [{ start: 0, end: 90 }] },
  ])
})

it('[B19] a port that leads to the same place already is answered again, and one that leads elsewhere is refused with what to do', async () => {
  const wish = { host_port: 7_000, container_port: 8_081 }
  const policyOf = async () => (await fixture.client.getContainerPolicy('h1')).networks.garden
  expect(await call('in', wish)).toEqual({ status: 200, ...wish })
  const policy = await policyOf()
  expect(await call('in', wish)).toEqual({ status: 200, ...wish })
  expect(await policyOf()).toEqual(policy)
  const why = 'net in h1: host_port: tcp 7000 leads to port 8081 of the container already'
  const help = 'ask for another host_port, or for none, which gets any free one'
  expect(await call('in', { ...wish, container_port: 8_082 })).toEqual(refusal(`${why}; ${help}`))
  await fixture.client.up('h2')
  const taken = await call('in', wish, 'h2')
  expect(taken).toEqual(
    refusal(expect.stringMatching(/^give out port tcp 7000: .* of container h1 .*; ask for another/)),
  )
  await fixture.client.down('h2')
})

it('[B20] an empty pool of ports is what Garden calls it', async () => {
  const wish = { host_port: 0, container_port: 8080 }
  for (const port of [61_001, 61_002])
    expect(await call('in', wish)).toEqual({ status: 200, host_port: port, container_port: 8080 })
  expect(await call('in', wish)).toEqual(refusal('port pool is exhausted'))
})

it('[B19] a port is refused by its own name, though it stands before the ports of earlier calls', async () => {
  await fixture.client.down('h1')
  await fixture.client.up('h3')
  const there = { net_in: [{ host_port: 7_000, host_address: '192.0.2.1' }] }
  await fixture.client.putContainerPolicy('h3', { networks: { garden: there } })
  expect(await call('in', { container_port: 8080 }, 'h3')).toMatchObject({ status: 200 })
  const why = 'host_port: networks.garden.net_in[0] maps tcp 7000 already'
  expect(await call('in', { host_port: 7_000 }, 'h3')).toEqual(refusal(why))
})
