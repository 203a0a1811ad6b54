import { afterEach, describe, expect, it, vi } from 'vitest'
import { FlowReview } from '../../../sdk/dist/bridge-network/flow-review.js'
import type { MemberParams } from '../../../sdk/dist/bridge-network/member-flows.js'
import type { Flow } from '../../../sdk/dist/linux/netfilter/index.js'

const own = Buffer.from([10, 0, 0, 2])
const far = Buffer.from([192, 0, 2, 1])

function flow(sourcePort: number): Flow {
  const ends = { protocol: 6, icmp: undefined }
  const original = { ...ends, source: own, destination: far, sourcePort, destinationPort: 80 }
  const reply = { ...ends, source: far, destination: own, sourcePort: 80, destinationPort: sourcePort }
  const identity = { family: 2, tuple: Buffer.alloc(0), id: undefined, zone: undefined }
  return { original, reply, identity }
}

const member: MemberParams = {
  params: {
    network: { id: '1', name: 'n', labels: {}, internal: false, subnets: [], config: {} },
    endpointId: 'e',
    container: { handle: 'h', labels: {} },
    interface: { name: 'e0', macAddress: '', addresses: ['10.0.0.2/8'], defaultRoute: true, routes: [] },
    options: {},
    policy: {},
  },
  bridge: {
    name: 'b',
    alias: '',
    macAddress: '',
    mtu: 1500,
    internal: false,
    addresses: [],
    gateways: [],
    policy: [],
    egress: { usual: 'deny', denied: [], isDenialFirst: true },
    port: { isPinned: false, flags: { hairpin: false, isolated: false } },
    hasOwnNeighbours: false,
  },
}

const host = {
  identity: undefined,
  timeouts: undefined,
  role: 'active' as const,
  event: () => undefined,
  log: ({ message }: { message: string }) => expect(message).toBe(''),
  readiness: () => undefined,
}
const pairs = { allows: () => false }
const machine = { rtnl: { addresses: () => [] }, host }

afterEach(() => void vi.useRealTimers())

describe('the review of flows', () => {
  it('takes as long for each of a hundred thousand as for each of a few', async () => {
    const flows = Array.from({ length: 100_000 }, (_, at) => flow(at % 65_536))
    let ended = 0
    const conntrack = {
      cut: async (
        { family }: { family: 4 | 6 },
        isToEnd: (flow: Flow) => boolean,
        beforehand?: (flows: readonly Flow[]) => Promise<void>,
      ) => {
        const found = family === 4 ? flows.filter(isToEnd) : []
        ended += found.length
        await beforehand?.(found)
      },
    }
    const review = new FlowReview({ machine, conntrack: () => conntrack, ports: () => [], pairs })
    review.know('e', member)
    const { user: before } = process.cpuUsage()
    await review.ofAll()
    expect(ended).toBe(100_000)
    // A tenth of it where nobody copies them for each.
    expect((process.cpuUsage().user - before) / 1000).toBeLessThan(3_000)
  })

  it('goes by what an endpoint might do before, where what it was to do has been refused', async () => {
    const allowed: boolean[] = []
    const cut = async (_: object, isToEnd: (flow: Flow) => boolean) => {
      allowed.push(!isToEnd(flow(1)))
    }
    const review = new FlowReview({ machine, conntrack: () => ({ cut }), ports: () => [], pairs })
    const takeBack = [review.know('e', member)]
    await review.of([own])
    const { params } = member
    takeBack.push(review.know('e', { ...member, params: { ...params, policy: { net_out: [{}] } } }))
    await review.of([own])
    for (const step of takeBack.reverse()) {
      step()
      await review.of([own])
    }
    expect(allowed).toEqual([false, true, false, true])
  })

  it('owes a look that failed until one has succeeded, ever more slowly, and says both once', async () => {
    vi.useFakeTimers()
    const said: string[] = []
    const log = ({ message }: { message: string }) => void said.push(message)
    let isBroken = true
    let looks = 0
    const cut = async ({ family }: { family: 4 | 6 }) => {
      if (family === 4) looks += 1
      if (isBroken) throw new Error('no memory')
    }
    const options = { conntrack: () => ({ cut }), ports: () => [], pairs }
    const review = new FlowReview({ ...options, machine: { ...machine, host: { ...host, log } } })
    review.know('e', member)
    await Promise.all([review.ofAll(), review.ofAll()])
    expect(looks).toBe(1)
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    const attempts = looks
    expect(attempts).toBeGreaterThan(10)
    expect(attempts).toBeLessThan(20)
    expect(said).toEqual([expect.stringContaining('no memory')])
    isBroken = false
    await vi.advanceTimersByTimeAsync(60_000)
    expect(said[1]).toBe('flows that began unjudged were judged')
    await vi.advanceTimersByTimeAsync(60 * 60_000)
    expect(said).toHaveLength(2)
    // One for ports too.
    expect(looks).toBeLessThanOrEqual(attempts + 2)
  })

  it('owes nothing once it is closed', async () => {
    vi.useFakeTimers()
    let looks = 0
    const cut = async () => {
      looks += 1
      throw new Error('no memory')
    }
    const log = () => undefined
    const options = { conntrack: () => ({ cut }), ports: () => [], pairs }
    const review = new FlowReview({ ...options, machine: { ...machine, host: { ...host, log } } })
    await review.ofAll()
    const last = review.ofAll()
    await review.close()
    await last
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    expect(looks).toBe(2)
  })
})
