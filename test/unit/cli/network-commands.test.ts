// conet net …: what is sent, and what is written.
import { describe, expect, it } from 'vitest'
import { conet } from '../../support/run-conet.ts'
import { fakeHost } from '../client/fake-host.ts'
import { container, endpoint, endpointId, network, networkId } from '../client/samples.ts'

const otherId = 'b0'.repeat(32)

describe('conet net create', () => {
  it('[C7] prints the network id, 64 hexadecimal digits, and nothing else', async () => {
    await using host = await fakeHost({ createNetwork: () => ({ status: 201, body: network() }) })
    const outcome = await conet(['net', 'create', 'web', '--driver', 'bridge'], host)
    expect(outcome).toEqual({ code: 0, out: `${networkId}\n`, err: '' })
    expect(outcome.out).toMatch(/^[0-9a-f]{64}\n$/)
  })

  it('[C15] without a name asks the host to make one up', async () => {
    await using host = await fakeHost({ createNetwork: () => ({ status: 201, body: network() }) })
    expect((await conet(['net', 'create', '--driver', 'simplebridge'], host)).code).toBe(0)
    expect(host.seen[0]?.body).toEqual({ generate_name: true, type: 'simplebridge' })
  })

  it('sends every option as it is', async () => {
    await using host = await fakeHost({ createNetwork: () => ({ status: 201, body: network() }) })
    const words = 'net create web -d bridge --label env=prod --label note=a=b --ipv6 --internal'.split(' ')
    const subnets = '--subnet 10.1.0.0/16,gateway=10.1.0.1,range=10.1.2.0/24 --subnet fd00::/64'.split(' ')
    const documents = ['--config', '{"mtu":1400,"icc":true}', '-o', 'icc=false', '-o', 'tag=x1']
    expect(await conet([...words, ...subnets, ...documents], host)).toMatchObject({ code: 0, err: '' })
    expect(host.seen[0]?.body).toEqual({
      name: 'web',
      type: 'bridge',
      labels: { env: 'prod', note: 'a=b' },
      ipv6: true,
      internal: true,
      subnets: [
        { subnet: '10.1.0.0/16', gateway: '10.1.0.1', range: '10.1.2.0/24' },
        { subnet: 'fd00::/64' },
      ],
      config: { mtu: 1400, icc: false, tag: 'x1' },
    })
  })
})

it.each([
  ['1400', 1400],
  ['true', true],
  ['null', null],
  ['["a"]', ['a']],
  ['"1400"', '1400'],
  ['plain', 'plain'],
  ['', ''],
  ['a=b', 'a=b'],
  ['12345678901234567890', '12345678901234567890'],
  ['1e999', '1e999'],
])('-o key=%s sends %j', async (text, value) => {
  await using host = await fakeHost({ createNetwork: () => ({ status: 201, body: network() }) })
  expect((await conet(['net', 'create', '-d', 'null', '-o', `key=${text}`], host)).code).toBe(0)
  expect(host.seen[0]?.body).toMatchObject({ config: { key: value } })
})

describe('conet net list', () => {
  const networks = [
    network({ containers: ['backstabbing_hopper', 'b', 'c', 'd'] }),
    network({ id: otherId, name: 'web', type: 'null', labels: { env: 'prod' } }),
  ]
  const answers = { listNetworks: () => ({ body: { networks } }) }

  it('[C9] [C10] [C16] shows short ids, names, drivers, labels and containers', async () => {
    await using host = await fakeHost(answers)
    expect((await conet(['net', 'list'], host)).out).toBe(`\
NETWORK ID     NAME              DRIVER   LABELS           CONTAINERS
67ea60624dfc   stupefied_fermi   bridge   {}               backstabbing_hopper,b,c,+1
b0b0b0b0b0b0   web               null     {"env":"prod"}   -
`)
  })

  it('[C9] --no-trunc shortens nothing', async () => {
    await using host = await fakeHost(answers)
    const { out } = await conet(['net', 'ls', '--no-trunc'], host)
    expect(out).toContain(`\n${networkId}   stupefied_fermi`)
    expect(out).toContain('backstabbing_hopper,b,c,d\n')
  })

  it('without networks is a heading alone', async () => {
    await using host = await fakeHost({ listNetworks: () => ({ body: { networks: [] } }) })
    expect((await conet(['net', 'list'], host)).out).toBe(
      'NETWORK ID   NAME   DRIVER   LABELS   CONTAINERS\n',
    )
  })

  it('-q writes ids alone', async () => {
    await using host = await fakeHost(answers)
    expect((await conet(['net', 'list', '-q'], host)).out).toBe('67ea60624dfc\nb0b0b0b0b0b0\n')
  })

  it('--json writes what the host says, with ids only where objects refer to each other', async () => {
    await using host = await fakeHost(answers)
    expect(JSON.parse((await conet(['net', 'list', '--json'], host)).out)).toEqual(networks)
  })

  it('shows control characters of labels instead of sending them to the terminal', async () => {
    const labels = { 'a\u001b[31m': 'b\nc\u202e' }
    await using host = await fakeHost({ listNetworks: () => ({ body: { networks: [network({ labels })] } }) })
    const { out } = await conet(['net', 'list'], host)
    expect(out.split('\n')).toHaveLength(3)
    expect(out).toContain('\\u001b[31m')
    expect(out).toContain('\\u202e')
  })
})

describe('conet net inspect', () => {
  it('[C10] shows the network, its subnets, and the containers’ interfaces on it', async () => {
    const elsewhere = endpoint({ id: otherId, network_id: otherId })
    const bare = container({ handle: 'c2', endpoints: [endpoint({ container: 'c2', interfaces: [] })] })
    await using host = await fakeHost({
      getNetwork: () => ({ body: network({ config: { mtu: 1500 } }) }),
      listContainers: () => ({
        body: { containers: [container({ endpoints: [endpoint(), elsewhere] }), bare] },
      }),
    })
    const outcome = await conet(['net', 'inspect', 'stupefied_fermi'], host)
    expect(outcome).toEqual({
      code: 0,
      err: '',
      out: `\
network stupefied_fermi
  id               ${networkId}
  driver           bridge (ready)
  state            active
  internal         no
  labels           {}
  config           {"mtu":1500}
  created          2026-01-02T03:04:05.678Z

  SUBNET        GATEWAY    RANGE   EXCLUDED   USED
  10.1.0.0/16   10.1.0.1   -       -          1 of 65533

  CONTAINER             INTERFACE   MAC                 ADDRESSES     ENDPOINT       STATE
  backstabbing_hopper   eth0        02:42:0a:01:00:02   10.1.0.2/16   5a624939c64c   plugged
  c2                    -           -                   -             5a624939c64c   plugged
`,
    })
  })

  it('lists containers in the order of their names', async () => {
    const containers = ['c10', 'c2', 'b'].map((handle) =>
      container({ handle, endpoints: [endpoint({ container: handle })] }),
    )
    await using host = await fakeHost({
      getNetwork: () => ({ body: network() }),
      listContainers: () => ({ body: { containers } }),
    })
    const { out } = await conet(['net', 'inspect', 'stupefied_fermi'], host)
    expect(out.match(/^ {2}(b|c2|c10) /gm)).toEqual(['  b ', '  c2 ', '  c10 '])
  })

  it('says what is awaited of a driver that is away, and no number of addresses that nobody can count', async () => {
    const pending = [{ endpoint_id: endpointId, container: 'gone', since: '2026-01-02T03:04:07.000Z' }]
    const subnets = [
      { subnet: 'fd00::/64', exclude: [], used: 3, capacity: Number.MAX_SAFE_INTEGER },
      { subnet: 'fd01::/64', range: 'fd01::/70', exclude: [], used: 0, capacity: Number.MAX_SAFE_INTEGER },
    ]
    const shown = network({ driver_state: 'gone', subnets, pending_removals: pending })
    await using host = await fakeHost({
      getNetwork: () => ({ body: shown }),
      listContainers: () => ({ body: { containers: [] } }),
    })
    const { out } = await conet(['net', 'inspect', 'stupefied_fermi'], host)
    expect(out).toContain('3 of 2^64\n')
    expect(out).toMatch(/fd01::\/70 +- +0\n/)
    expect(out).toContain(`
  removed, and gone once driver bridge (gone) has confirmed:
  CONTAINER   ENDPOINT       SINCE
  gone        5a624939c64c   2026-01-02T03:04:07.000Z
`)
  })

  it.each(['stupefied_fermi', networkId, '67ea'])('[C11] passes %s on: id, prefix or name', async (key) => {
    await using host = await fakeHost({ getNetwork: () => ({ body: network() }) })
    expect((await conet(['net', 'inspect', '--json', key], host)).code).toBe(0)
    expect(host.seen[0]?.params).toEqual({ network: key })
  })

  it('--json is an array, also of one', async () => {
    await using host = await fakeHost({ getNetwork: () => ({ body: network() }) })
    expect(JSON.parse((await conet(['net', 'inspect', 'a', '--json'], host)).out)).toEqual([network()])
  })
})

describe('conet net plug and unplug', () => {
  it('[C8] plug prints the endpoint id, 64 hexadecimal digits', async () => {
    await using host = await fakeHost({ plug: () => ({ status: 201, body: endpoint() }) })
    const outcome = await conet(['net', 'plug', 'backstabbing_hopper', 'stupefied_fermi'], host)
    expect(outcome).toEqual({ code: 0, out: `${endpointId}\n`, err: '' })
    expect(host.seen[0]).toMatchObject({
      params: { handle: 'backstabbing_hopper' },
      body: { network: 'stupefied_fermi' },
    })
  })

  it('plug sends every wish as it is', async () => {
    await using host = await fakeHost({ plug: () => ({ status: 201, body: endpoint() }) })
    const words = 'net plug c1 web --ip 10.1.0.7 --ip fd00::7 --mac 02:42:0A:00:00:07 --interface lan0'
    const more = '--name second --default-route -o rate=10'
    expect((await conet(`${words} ${more}`.split(' '), host)).code).toBe(0)
    expect(host.seen[0]?.body).toEqual({
      network: 'web',
      addresses: ['10.1.0.7', 'fd00::7'],
      mac_address: '02:42:0A:00:00:07',
      interface: 'lan0',
      name: 'second',
      default_route: true,
      options: { rate: 10 },
    })
    expect((await conet(['net', 'plug', 'c1', 'web', '--no-default-route'], host)).code).toBe(0)
    expect(host.seen[1]?.body).toEqual({ network: 'web', default_route: false })
  })

  it('rm --forget says what stays', async () => {
    await using host = await fakeHost({ forgetNetwork: () => ({ body: {} }) })
    expect(await conet(['net', 'rm', 'web', '--forget'], host)).toEqual({
      code: 0,
      out: 'web\n',
      err: 'conet: web is forgotten: what its driver made of it stays until that driver is back\n',
    })
    expect(host.seen.map(({ route, params }) => [route, params])).toEqual([
      ['forgetNetwork', { network: 'web' }],
    ])
  })

  it('unplug takes the container and the endpoint, and says when the driver is awaited', async () => {
    await using host = await fakeHost({ unplug: () => ({ status: 202, body: { state: 'deleting' } }) })
    expect(await conet(['net', 'unplug', 'c1', '5a62'], host)).toEqual({
      code: 0,
      out: '5a62\n',
      err: 'conet: 5a62: its driver is awaited; the rest is done when the driver is back (conet status shows what waits)\n',
    })
    expect(host.seen[0]?.params).toEqual({ handle: 'c1', endpoint: '5a62' })
  })
})
