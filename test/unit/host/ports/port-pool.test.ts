import { PortPool, type PortWish } from '@conet/host/ports/index'
import { ConetError, type PortMapping } from '@conet/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const wish = (changes: Partial<PortWish> = {}): PortWish => ({
  protocol: 'tcp',
  hostPort: 0,
  containerPort: 0,
  count: 1,
  ...changes,
})
const poolOf = (size = 4) => new PortPool({ start: 100, size }, (holder) => `endpoint ${holder}`)
const assign = (pool: PortPool, holder: string, ...wishes: PortWish[]) =>
  pool.assign({ holder, wishes, listening: [], at: 'net_in' })
const hostPorts = (mappings: readonly PortMapping[]) => mappings.map(({ hostPort }) => hostPort)
const failureOf = (work: () => unknown): ConetError => {
  try {
    work()
  } catch (error) {
    if (ConetError.is(error)) return error
  }
  throw new Error('expected a ConetError')
}

describe('the pool of ports', () => {
  it('gives ports in turn, and freed ones only after it went round', () => {
    const pool = poolOf()
    expect(hostPorts(assign(pool, 'a', wish(), wish()))).toEqual([100, 101])
    pool.release('a')
    expect(hostPorts(assign(pool, 'b', wish(), wish()))).toEqual([102, 103])
    expect(hostPorts(assign(pool, 'c', wish()))).toEqual([100])
  })

  it('gives who takes any port none that is asked for further down', () => {
    const asked = assign(poolOf(), 'a', wish(), wish({ hostPort: 100 }), wish(), wish({ hostPort: 101 }))
    expect(hostPorts(asked)).toEqual([102, 100, 103, 101])
  })

  it('passes over a port that was freed ahead of the turn, once', () => {
    const pool = poolOf()
    pool.hold('a', [{ protocol: 'tcp', hostPort: 101, containerPort: 1 }])
    pool.release('a')
    expect(hostPorts(assign(pool, 'b', wish(), wish(), wish(), wish()))).toEqual([100, 102, 103, 101])
  })

  it('goes on behind the port at which it stopped before a restart', () => {
    const pool = poolOf()
    assign(pool, 'a', wish(), wish())
    const again = poolOf()
    again.cursor = pool.cursor
    expect(hostPorts(assign(again, 'b', wish()))).toEqual([102])
    again.cursor = Number.NaN
    expect(again.cursor).toBe(100)
  })

  it('gives ranges in a row, not over the end of the pool, and says how full it is when there is none', () => {
    const pool = poolOf()
    assign(pool, 'a', wish())
    expect(assign(pool, 'b', wish({ count: 3, containerPort: 7 }))).toEqual([
      { protocol: 'tcp', hostPort: 101, containerPort: 7, count: 3 },
    ])
    pool.release('a')
    const listening = [{ protocol: 'tcp' as const, port: 100, address: undefined }]
    const full = failureOf(() => pool.assign({ holder: 'c', wishes: [wish()], listening, at: 'net_in' }))
    expect(full).toMatchObject({ kind: 'portsExhausted', details: { size: 4, used: 3, listening: 1 } })
    expect(full.fields).toMatchObject([{ path: 'net_in[0].host_port' }])
  })

  it('says of a full pool who has how many, each port once, with what this document took before', () => {
    const pool = poolOf()
    assign(pool, 'a', wish(), wish())
    // A process may listen where an endpoint has its port.
    const listening = [100, 102].map((port) => ({ protocol: 'tcp' as const, port, address: undefined }))
    const wishes = [wish(), wish(), wish({ protocol: 'udp' })]
    expect(failureOf(() => pool.assign({ holder: 'c', wishes, listening, at: 'net_in' }))).toMatchObject({
      kind: 'portsExhausted',
      fields: [{ path: 'net_in[1].host_port', message: 'no port is free in 100-103' }],
      details: { size: 4, used: 2, own: 1, listening: 1, free: 0, asked: 2 },
      message:
        'give out one more port of tcp 100-103: it asks for 2 in all; of the 4: 2 taken by endpoints, 1 by processes of the machine, 1 by this document, 0 free',
      help: expect.stringContaining('ports.size'),
    })
  })

  it('says where enough ports are free, but not in a row', () => {
    const pool = poolOf()
    assign(pool, 'a', wish({ hostPort: 101 }))
    expect(failureOf(() => assign(pool, 'b', wish({ count: 3 }))).message).toMatch(
      /^give out 3 ports in a row of tcp 100-103: .* 3 free, but no 3 in a row$/,
    )
    expect(failureOf(() => assign(pool, 'b', wish({ count: 4 }))).message).toMatch(/ 3 free$/)
  })

  it('keeps the port of a wish that stays, whatever changes around it, and takes nothing where one fails', () => {
    const pool = poolOf()
    const wishes = [wish({ containerPort: 80 }), wish({ containerPort: 443 })]
    const mappings = assign(pool, 'a', ...wishes)
    const former = { wishes, mappings }
    const next = [wish({ hostPort: 9000 }), wish({ containerPort: 443 })]
    expect(hostPorts(pool.assign({ holder: 'a', wishes: next, former, listening: [], at: '' }))).toEqual([
      9000, 101,
    ])
    pool.keepOnly('a', mappings)
    expect(hostPorts(assign(pool, 'b', wish({ hostPort: 9000 })))).toEqual([9000])
    const refused = [wish(), wish({ hostPort: 9000 })]
    expect(failureOf(() => assign(pool, 'c', ...refused))).toMatchObject({
      kind: 'portInUse',
      message: expect.stringContaining('endpoint b has it'),
    })
    expect(pool.mappings).toHaveLength(3)
  })

  it('leaves each call the port that it was told of when alike wishes before it go, and gives that to alike ones when the call’s end', () => {
    const pool = poolOf(6)
    const calls = (...of: (number | undefined)[]) =>
      of.map((call) => wish(call === undefined ? {} : { call }))
    const wishes = calls(undefined, undefined, 0, 1)
    const former = { wishes, mappings: assign(pool, 'a', ...wishes) }
    const portsOf = (...next: PortWish[]) =>
      hostPorts(pool.assign({ holder: 'a', wishes: next, former, listening: [], at: '' }))
    expect(portsOf(...calls(0, 1))).toEqual([102, 103])
    expect(portsOf(...calls(undefined, 0, 1, 2))).toEqual([100, 102, 103, 101])
    expect(portsOf(...calls(undefined, undefined, undefined))).toEqual([100, 101, 102])
  })

  it('gives the port that a change gives up when there is no other, and in turn those that it gave up before', () => {
    const pool = poolOf(3)
    let former = {
      wishes: [wish({ containerPort: 80 })],
      mappings: assign(pool, 'a', wish({ containerPort: 80 })),
    }
    const replaced = [81, 82, 83, 84, 85, 86].flatMap((containerPort) => {
      const wishes = [wish({ containerPort })]
      const mappings = pool.assign({ holder: 'a', wishes, former, listening: [], at: '' })
      pool.keepOnly('a', mappings)
      former = { wishes, mappings }
      return hostPorts(mappings)
    })
    expect(replaced).toEqual([101, 102, 100, 101, 102, 100])
    assign(pool, 'b', wish(), wish())
    expect(hostPorts(pool.assign({ holder: 'a', wishes: [wish()], former, listening: [], at: '' }))).toEqual([
      100,
    ])
  })

  it('tells addresses and protocols apart: the same port is free for another one, and for all only if for each', () => {
    const pool = poolOf()
    const at = (hostAddress?: string, protocol: PortWish['protocol'] = 'tcp') =>
      wish({ hostPort: 53, protocol, ...(hostAddress && { hostAddress }) })
    assign(pool, 'a', at('192.0.2.1'))
    assign(pool, 'b', at('192.0.2.2'), at(undefined, 'udp'))
    expect(failureOf(() => assign(pool, 'c', at('192.0.2.1'))).kind).toBe('portInUse')
    expect(failureOf(() => assign(pool, 'c', at())).kind).toBe('portInUse')
    expect(failureOf(() => assign(pool, 'c', at('192.0.2.9', 'udp'))).kind).toBe('portInUse')
    expect(failureOf(() => assign(pool, 'c', at('::1'), at()))).toMatchObject({ kind: 'portInUse' })
  })

  it('gives all addresses of IPv4 and all of IPv6 to two, and neither of them to who has one of its addresses', () => {
    const pool = poolOf()
    const at = (hostAddress: string) => wish({ hostPort: 53, hostAddress })
    assign(pool, 'a', at('0.0.0.0'))
    assign(pool, 'b', at('::'))
    for (const address of ['0.0.0.0', '192.0.2.1', '::', '2001:db8::1']) {
      expect(failureOf(() => assign(pool, 'c', at(address))).kind, address).toBe('portInUse')
    }
    pool.release('b')
    assign(pool, 'c', at('2001:db8::1'))
    expect(failureOf(() => assign(pool, 'b', at('::'))).kind).toBe('portInUse')
  })

  it('never gives a port to two, and forgets nobody, over any sequence', () => {
    const command = fc.record({
      holder: fc.constantFrom('a', 'b', 'c'),
      wishes: fc.array(
        fc.record({
          protocol: fc.constantFrom('tcp' as const, 'udp' as const),
          hostPort: fc.constantFrom(0, 0, 101, 105, 110),
          containerPort: fc.constantFrom(0, 80),
          count: fc.integer({ min: 1, max: 3 }),
        }),
        { maxLength: 3 },
      ),
      commits: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
        const pool = poolOf(8)
        const given = new Map<string, { wishes: PortWish[]; mappings: PortMapping[] }>()
        for (const { holder, wishes, commits } of commands) {
          const former = given.get(holder)
          try {
            const mappings = pool.assign({ holder, wishes, former, listening: [], at: '' })
            if (commits) given.set(holder, { wishes, mappings })
          } catch (error) {
            if (!ConetError.is(error)) throw error
          }
          pool.keepOnly(holder, given.get(holder)?.mappings ?? [])
          const all = [...given.values()].flatMap(({ mappings }) => mappings)
          const ports = all.flatMap(({ protocol, hostPort, count = 1 }) =>
            Array.from({ length: count }, (_, index) => `${protocol} ${hostPort + index}`),
          )
          expect(new Set(ports).size).toBe(ports.length)
          expect(pool.mappings).toHaveLength(all.length)
        }
        for (const holder of given.keys()) pool.release(holder)
        expect(pool.usage.used).toBe(0)
      }),
    )
  })
})
