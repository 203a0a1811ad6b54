// conet container …, driver …, status, events, version.
import { expect, it } from 'vitest'
import { conet, Interruption } from '../../support/run-conet.ts'
import { fakeHost, refusal } from '../client/fake-host.ts'
import { container, driver, endpoint, networkId, status } from '../client/samples.ts'

it('container create names the networks in order and prints the handle', async () => {
  await using host = await fakeHost({
    putContainerConfig: () => ({ status: 201, body: container({ handle: 'c1' }) }),
  })
  const words = 'container create c1 --network web --network storage --label a=b'.split(' ')
  expect(await conet(words, host)).toEqual({ code: 0, out: 'c1\n', err: '' })
  expect(host.seen[0]?.body).toEqual({ attach_to: ['web', 'storage'], labels: { a: 'b' } })
})

it('container list shows states, networks and addresses', async () => {
  const defined = container({ handle: 'c2', state: 'defined', attachments: [], endpoints: [] })
  await using host = await fakeHost({
    listContainers: () => ({ body: { containers: [container(), defined] } }),
  })
  expect((await conet(['container', 'list'], host)).out).toBe(`\
CONTAINER             STATE     NETWORKS          ADDRESSES     LABELS
backstabbing_hopper   up        stupefied_fermi   10.1.0.2/16   {}
c2                    defined   -                 -             {}
`)
  expect((await conet(['container', 'ls', '-q'], host)).out).toBe('backstabbing_hopper\nc2\n')
})

it('[C10] [C6] container inspect shows its networks and interfaces', async () => {
  const shown = container({
    endpoints: [endpoint({ last_error: 'policy: refused' })],
    dns: { servers: ['10.1.0.1'], search: ['example.org'], options: ['ndots:2'] },
  })
  await using host = await fakeHost({ getContainer: () => ({ body: shown }) })
  expect((await conet(['container', 'inspect', 'backstabbing_hopper'], host)).out).toBe(`\
container backstabbing_hopper
  state     up
  sandbox   /run/conet/netns/a1 (made by the runtime, pid 4711)
  labels    {}
  config    {}
  dns       10.1.0.1 search example.org ndots:2
  created   2026-01-02T03:04:05.900Z

  ATTACHMENT        NETWORK           NETWORK ID     ENDPOINT       STATE
  stupefied_fermi   stupefied_fermi   67ea60624dfc   5a624939c64c   plugged

  INTERFACE   NETWORK           MAC                 MTU    ADDRESSES     DEFAULT ROUTE   ROUTES   ENDPOINT
  eth0        stupefied_fermi   02:42:0a:01:00:02   1500   10.1.0.2/16   yes             -        5a624939c64c

  endpoint 5a624939c64c   policy: refused
`)
})

it('container up uses the runtime socket and prints the sandbox’s path', async () => {
  await using host = await fakeHost({ up: () => ({ body: container() }) })
  const outcome = await conet(['container', 'up', 'c1', '--pid', '4711'], host)
  expect(outcome).toEqual({ code: 0, out: '/run/conet/netns/a1\n', err: '' })
  expect(host.seen[0]).toMatchObject({ family: 'runtime', body: { pid: 4711 } })
  await conet(['container', 'up', 'c1', '--netns', '/run/netns/x'], host)
  expect(host.seen[1]?.body).toEqual({ netns: '/run/netns/x' })
  await conet(['container', 'up', 'c1'], host)
  expect(host.seen[2]?.body).toEqual({})
})

it('container down and rm take several handles', async () => {
  const gone = () => ({ body: { state: 'gone' } })
  const getContainer = () => ({ body: container() })
  await using host = await fakeHost({ down: gone, deleteContainer: gone, getContainer })
  expect(await conet(['container', 'down', 'c1', 'c2'], host)).toEqual({ code: 0, out: 'c1\nc2\n', err: '' })
  expect((await conet(['container', 'rm', 'c1', 'c2'], host)).out).toBe('c1\nc2\n')
  expect(host.seen.map(({ route, family }) => [route, family])).toEqual([
    ['getContainer', 'client'],
    ['down', 'runtime'],
    ['getContainer', 'client'],
    ['down', 'runtime'],
    ['deleteContainer', 'client'],
    ['deleteContainer', 'client'],
  ])
})

it('container down of one that nobody knows is no failure, and says so beside the result', async () => {
  await using host = await fakeHost({
    down: () => ({ body: { state: 'gone' } }),
    getContainer: () => refusal(404, { kind: 'notFound', detail: 'no container has the handle c1' }),
  })
  expect(await conet(['container', 'down', 'c1'], host)).toEqual({
    code: 0,
    out: 'c1\n',
    err: 'conet: c1: there is no such container, so nothing was taken down\n',
  })
  host.answers.getContainer = () => refusal(500, { kind: 'internal', detail: 'broken' })
  expect(await conet(['container', 'down', 'c1'], host)).toEqual({ code: 0, out: 'c1\n', err: '' })
})

it('driver list and inspect show how drivers fare; start begins one, stop ends it', async () => {
  const sick = driver({
    name: 'weave',
    state: 'closed',
    pid: 12,
    attempts: 3,
    config_schema: { properties: { mtu: {}, key: {} } },
    next_retry: '2026-01-02T03:04:09.000Z',
    probe: {
      healthy: false,
      checks: [{ name: 'controller', ok: false, message: 'no answer' }],
      at: '2026-01-02T03:04:04.000Z',
    },
    methods: [
      { method: 'network/create', count: 7, failed: 1, p50_ms: 1.5, p99_ms: 2.25 },
      { method: 'network/delete', count: 1, failed: 1 },
    ],
    calls_in_flight: [
      {
        method: 'endpoint/plug',
        operation_id: 'op-1',
        attempt: 2,
        since: '2026-01-02T03:04:05.000Z',
        progress: { message: 'waiting for the controller', percentage: 40 },
      },
    ],
    violations: [{ kind: 'unasked-reply', count: 2 }],
    last_error: {
      kind: 'driverUnavailable',
      message: 'connection refused',
      at: '2026-01-02T03:04:06.000Z',
      help: 'Start it.',
    },
  })
  await using host = await fakeHost({
    listDrivers: () => ({ body: { drivers: [driver({ role: 'active' }), sick] } }),
    getDriver: () => ({ body: sick }),
    startDriver: () => ({ body: {} }),
    stopDriver: () => ({ body: {} }),
  })
  expect((await conet(['driver', 'list'], host)).out).toBe(`\
DRIVER   STATE    ROLE     VERSION   VENDOR   PID   SOCKET                           WHY
bridge   ready    active   0.1.0     conet    -     /run/conet/drivers/bridge.sock   -
weave    closed   -        0.1.0     conet    12    /run/conet/drivers/bridge.sock   connection refused
`)
  expect((await conet(['driver', 'inspect', 'weave'], host)).out).toBe(`\
driver weave
  state         closed since 2026-01-02T03:04:05.000Z
  attempts      3
  next retry    2026-01-02T03:04:09.000Z
  last error    connection refused (driverUnavailable, 2026-01-02T03:04:06.000Z)
  try           Start it.
  probe         not healthy: controller (no answer) (2026-01-02T03:04:04.000Z)
  version       0.1.0
  vendor        conet
  socket        /run/conet/drivers/bridge.sock
  pid           12
  config        mtu key
  in flight     1 call
  violations    unasked-reply 2

  METHOD           CALLS   FAILED   P50      P99
  network/create   7       1        1.5 ms   2.25 ms
  network/delete   1       1        -        -

  CALL            OPERATION   ATTEMPT   SINCE                      PROGRESS
  endpoint/plug   op-1        2         2026-01-02T03:04:05.000Z   40 % waiting for the controller
`)
  expect(await conet(['driver', 'start', 'weave'], host)).toEqual({ code: 0, out: 'weave\n', err: '' })
  expect(await conet(['driver', 'stop', 'weave'], host)).toEqual({ code: 0, out: 'weave\n', err: '' })
})

it('status shows what stands in the way, and what to do about it', async () => {
  const finding = {
    severity: 'warning' as const,
    code: 'ip-forward-off',
    message: 'this machine does not forward IPv4',
    help: 'sysctl -w net.ipv4.ip_forward=1',
  }
  await using host = await fakeHost({ status: () => ({ body: status({ findings: [finding] }) }) })
  expect((await conet(['status'], host)).out).toBe(`\
conetd 0.1.0, pid 4242, since 2026-01-02T03:04:05.000Z
  socket             /run/conet/conetd.sock
  runtime socket     /run/conet/conetd.runtime.sock
  driver directory   /run/conet/drivers
  run directory      /run/conet
  state directory    /var/lib/conet
  holds              1 network, 1 container, 1 endpoint, 2 drivers

warning: this machine does not forward IPv4 [ip-forward-off]
  try: sysctl -w net.ipv4.ip_forward=1
`)
  expect(JSON.parse((await conet(['status', '--json'], host)).out)).toMatchObject({ findings: [finding] })
})

it('events writes a line an event until it is interrupted', async () => {
  await using host = await fakeHost()
  const stop = new AbortController()
  const event = {
    id: 8,
    time: '2026-01-02T03:04:05.000Z',
    type: 'endpoint.plugged',
    container: 'c1',
    network_id: networkId,
  }
  host.raw = ({ headers }, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`event: resync\ndata: {}\n\nid: 8\ndata: ${JSON.stringify(event)}\n\n`)
    expect(headers['last-event-id']).toBe('7')
    response.write('id: 9\ndata: {"id":9}\n\n')
    setTimeout(() => stop.abort(new Interruption(130)), 200)
  }
  const outcome = await conet(['events', '--since', '7', '--json'], { ...host, signal: stop.signal })
  expect(outcome.code).toBe(130)
  expect(outcome.out).toBe(`${JSON.stringify(event)}\n{"id":9}\n`)
  expect(outcome.err).toBe('conet: events were lost; look at the objects themselves\n')
})

it('version tells both versions, and is no failure without a host', async () => {
  await using host = await fakeHost({ health: () => ({ body: { status: 'ok', version: '9.9.9' } }) })
  expect((await conet(['version'], host)).out).toMatch(/^conet \d+\.\d+\.\d+\nconetd 9\.9\.9\n$/)
  const alone = await conet(['version', '--json'])
  expect(alone.code).toBe(0)
  expect(JSON.parse(alone.out)).toMatchObject({ conetd: { error: expect.stringContaining('/nowhere/') } })
})

it('inspect of several shows those that are there, and fails for the others', async () => {
  await using host = await fakeHost({
    getDriver: ({ params }) =>
      params.driver === 'bridge'
        ? { body: driver() }
        : refusal(404, { kind: 'notFound', detail: `show driver ${params.driver}: there is none` }),
  })
  const outcome = await conet(['driver', 'inspect', 'x', 'bridge', '--json'], host)
  expect(outcome.code).toBe(3)
  expect(outcome.err).toBe('conet: show driver x: there is none\ntry: conet driver list\n')
  expect(JSON.parse(outcome.out)).toEqual([driver()])
})

it('pool list says how much there is, also of what is too many to count', async () => {
  const most = Number.MAX_SAFE_INTEGER
  const body = {
    address_pools: [{ family: 6, base: 'fd00::/8', size: 64, subnets: most, used: 1 }],
    subnets: [
      {
        ...{ network_id: networkId, network_name: 'v6', scope: 'global' },
        ...{ subnet: 'fd00::/64', addresses: most, used: 2 },
      },
    ],
    port_pool: { start: 61_001, size: 100, used: 50 },
  }
  await using host = await fakeHost({ listPools: () => ({ body }) })
  expect((await conet(['pool', 'list', '--no-trunc'], host)).out).toBe(`\
POOL OF     RANGE             NETWORK   USED   OF          SHARE
subnets     fd00::/8 in /64   -         1      2^56        0.0 %
addresses   fd00::/64         v6        2      over 2^53   0.0 %
ports       61001-61100       -         50     100         50.0 %

of networks of the cluster, USED is what this host has handed out; for all hosts: conet net inspect v6
`)
})

it('a handle that is none is told once, without the words of the parser', async () => {
  const { code, err } = await conet(['container', 'create', 'we b'])
  expect(code).toBe(2)
  expect(err.split('\n')[0]).toMatch(/^conet: A handle must be .*; found "we b"\.$/)
})
