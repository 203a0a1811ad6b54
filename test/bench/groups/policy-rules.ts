// 5,000 rules in the bridge driver against `nft -f` with the same, and what a packet costs with one policy and with 1,000. The
// driver runs in this process.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bridgeDriver } from '@conet/driver-bridge'
import type { Call, Network, PlugParams } from '@conet/sdk'
import { NamespaceFixture } from '../../support/namespace-fixture.ts'
import { interleave, type Measured } from '../interleave.ts'
import { timed, timedSync } from '../samples.ts'
import { type Group, type Run, wantsAny, workplace } from './group.ts'

const rounds = 10
const packets = 20_000
const many = 1000

const idOf = (word: string) => createHash('sha256').update(word).digest('hex')

/**
 * Too small for IPv6: a thousand interfaces in one namespace would tell each other of neighbours and groups while packets are
 * measured (114,000 packets in ten rounds, against 6 with one interface; a quarter of the time).
 */
const mtu = 1279

const network: Network = {
  id: idOf('rules'),
  name: 'rules',
  labels: {},
  internal: false,
  subnets: [{ subnet: '10.64.0.0/16', gateway: '10.64.0.1' }],
  config: { egress: 'deny', mtu },
}

const call: Call = {
  operationId: 'bench',
  attempt: 1,
  traceparent: undefined,
  tracestate: undefined,
  signal: new AbortController().signal,
  progress: () => undefined,
  repaired: () => undefined,
  log: () => undefined,
}

const fiveThousand = Array.from({ length: 5000 }, (_, at) => {
  const subnet = `10.${at >> 8}.${at & 255}`
  return { start: `${subnet}.0`, end: `${subnet}.99`, port: 1000 + at }
})

const outside = { protocol: 'udp', networks: ['192.0.2.0/24'] }
/** Where packets are sent, and dropped. */
const sink = '192.0.2.9'

export const policyRules: Group = {
  rows: ['nft-5000', 'policy-5000', 'packets-1', 'packets-1000'],
  async measure(run) {
    await using place = await workplace()
    using namespaces = new NamespaceFixture()
    for (const name of ['sender', 'others', 'by-hand']) namespaces.make(name)
    await using driver = await DriverInProcess.start(namespaces)
    const first = await driver.plug(0, { net_out: [outside] })
    if (wantsAny(run, 'nft-5000', 'policy-5000'))
      await measureRules(run, { driver, first, directory: place.directory })
    if (wantsAny(run, 'packets-1', 'packets-1000')) await measurePackets(run, driver)
  },
}

type Rules = { driver: DriverInProcess; first: PlugParams; directory: string }

async function measureRules(run: Run, { driver, first, directory }: Rules): Promise<void> {
  const file = join(directory, 'rules.nft')
  const lines = fiveThousand.map(
    ({ start, end, port }) => `ip daddr ${start}-${end} tcp dport ${port} accept`,
  )
  writeFileSync(
    file,
    `table inet t { chain c { type filter hook forward priority 0;\n${lines.join('\n')}\n}; }\n`,
  )
  const byHand = async (): Promise<Measured[]> => {
    const took = timedSync(() => driver.namespaces.exec('by-hand', `nft -f ${file}`))
    driver.namespaces.exec('by-hand', 'nft flush ruleset')
    return [['nft-5000', took]]
  }
  const net_out = fiveThousand.map(({ start, end, port }) => {
    return { protocol: 'tcp', networks: [{ start, end }], ports: [{ start: port }] }
  })
  const policed = async (): Promise<Measured[]> => {
    const took = await timed(() => driver.setPolicy(first, { net_out }))
    await driver.setPolicy(first, { net_out: [outside] })
    return [['policy-5000', took]]
  }
  const sides = [
    { warmUps: 1, round: byHand },
    { warmUps: 3, round: policed },
  ]
  const { signal, progress } = run
  await interleave(sides, run.samples, { rounds, signal, progress, title: '5,000 rules' })
}

/** Not in turns: the policies are there or not. */
async function measurePackets(run: Run, driver: DriverInProcess): Promise<void> {
  execFileSync('sh', [
    '-ec',
    `ip link add sink type veth peer name far netns ${driver.namespaces.path('others')}
     ip link set sink up; ip address add 192.0.2.1/24 dev sink
     ip neighbour add ${sink} lladdr 02:00:00:00:00:09 dev sink`,
  ])
  driver.namespaces.exec('others', 'ip link set far up')
  const { signal, progress } = run
  const measure = async (row: string) => {
    const round = async (): Promise<Measured[]> => [[row, driver.sendPackets()]]
    await interleave([{ warmUps: 2, round }], run.samples, { rounds, signal, progress, title: row })
  }
  await measure('packets-1')
  for (let number = 1; number < many; number++) {
    signal.throwIfAborted()
    await driver.plug(number, { net_out: [{ protocol: 'tcp', ports: [{ start: number }] }] })
  }
  await measure('packets-1000')
  execFileSync('ip', ['link', 'delete', 'sink'])
}

/** The driver in the bench's own namespace. */
class DriverInProcess implements AsyncDisposable {
  readonly #driver = bridgeDriver()
  readonly #endpoints: string[] = []
  readonly namespaces: NamespaceFixture

  private constructor(namespaces: NamespaceFixture) {
    this.namespaces = namespaces
  }

  static async start(namespaces: NamespaceFixture): Promise<DriverInProcess> {
    const started = new DriverInProcess(namespaces)
    await started.#driver.start({
      identity: undefined,
      timeouts: undefined,
      role: 'active',
      event: () => undefined,
      log: () => undefined,
      readiness: () => undefined,
    })
    await started.#driver.activate()
    await started.#driver.createNetwork(network, call)
    return started
  }

  /** The first has a sandbox of its own; the others share one. */
  async plug(number: number, policy: Record<string, unknown>): Promise<PlugParams> {
    const sandbox = number === 0 ? 'sender' : 'others'
    const last = number + 2
    const params: PlugParams = {
      network,
      endpointId: idOf(`endpoint ${number}`),
      container: { handle: `c-${number}`, labels: {} },
      interface: {
        name: `e${number}`,
        macAddress: `02:42:00:00:${hex(last >> 8)}:${hex(last & 255)}`,
        addresses: [`10.64.${last >> 8}.${last & 255}/16`],
        defaultRoute: number === 0,
        routes: [],
      },
      options: {},
      policy,
      sandbox: { id: sandbox, path: this.namespaces.path(sandbox) },
    }
    this.#endpoints.push(params.endpointId)
    await this.#driver.createEndpoint(params, call)
    await this.#driver.plug(params, call)
    return params
  }

  async setPolicy(params: PlugParams, policy: Record<string, unknown>): Promise<void> {
    await this.#driver.policy({ ...params, policy }, call)
  }

  /** Nobody answers, so that each is judged as the first of its flow. */
  sendPackets(): number {
    const script = `
      const socket = require('node:dgram').createSocket('udp4')
      socket.connect(9, '${sink}', () => {
        const start = performance.now()
        let left = ${packets}
        for (let n = 0; n < ${packets}; n++) socket.send('x', () => {
          if (--left === 0) socket.close(() => console.log(performance.now() - start))
        })
      })`
    const argv = [`--net=${this.namespaces.path('sender')}`, process.execPath, '-e', script]
    return Number(execFileSync('nsenter', argv, { encoding: 'utf8' }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const networkId = network.id
    await Promise.all(
      this.#endpoints.map((endpointId) => this.#driver.deleteEndpoint({ networkId, endpointId }, call)),
    )
    await this.#driver.deleteNetwork(networkId, call)
    await this.#driver.stop()
  }
}

const hex = (byte: number) => byte.toString(16).padStart(2, '0')
