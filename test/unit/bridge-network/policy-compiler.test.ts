import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkPolicy } from '../../../sdk/dist/bridge-network/policy/check.js'
import { type CompiledPolicy, compile } from '../../../sdk/dist/bridge-network/policy/compile.js'
import type { NetOutRule } from '../../../sdk/dist/bridge-network/policy/document.js'
import { layersOf } from '../../../sdk/dist/bridge-network/policy/layers.js'
import type { Box } from '../../../sdk/dist/bridge-network/policy/planes.js'
import { parseRange } from '../../../sdk/dist/bridge-network/policy/ranges.js'
import {
  type EgressPolicy,
  egressPolicy,
  openEgress,
  type Packet,
  ruleFor,
} from '../../../sdk/dist/bridge-network/policy/rules.js'

const logPrefix = 'conet 0123456789ab web '

/** Few numbers, so that ranges and packets meet. */
const small = (most: number) => fc.integer({ min: 0, max: most })
const address = small(15).map((last) => `10.0.0.${last}`)
const address6 = small(15).map((last) => `fd00::${last.toString(16)}`)
const rangeOf = (one: fc.Arbitrary<string>) =>
  fc.tuple(one, one).map(([start, end]) => {
    const [first = start, last = end] = [start, end].sort((a, b) => numberOf(a) - numberOf(b))
    return { start: first, end: last }
  })
const numberOf = (text: string) => Number(parseRange(text).start & 0xffn)
const networks = fc.array(fc.oneof(rangeOf(address), rangeOf(address6)), { maxLength: 3 })
const ports = fc.array(
  fc
    .tuple(small(9), small(9))
    .map(([one, other]) => ({ start: Math.min(one, other), end: Math.max(one, other, 1) })),
  { maxLength: 3 },
)
const outcome = { log: fc.boolean(), action: fc.constantFrom('allow' as const, 'deny' as const) }
const oneOf = (...protocols: NonNullable<NetOutRule['protocol']>[]) => fc.constantFrom(...protocols)
/** With networks of the other family, but not of that alone. */
const icmpRule = (protocol: ReturnType<typeof oneOf>, family: 4 | 6) =>
  fc.record({
    protocol,
    networks: networks.filter(
      (ranges) => ranges.length === 0 || ranges.some((range) => parseRange(range).family === family),
    ),
    icmps: fc.record({ type: fc.constantFrom(0, 8, 255), code: fc.constantFrom(0, 1, 255) }),
    ...outcome,
  })
const rule = fc.oneof(
  fc.record({ protocol: oneOf('tcp', 'udp', 1, 2), networks, ports, ...outcome }),
  fc.record({ protocol: oneOf('all', 0), networks, ...outcome }),
  icmpRule(oneOf('icmp', 3), 4),
  icmpRule(oneOf('icmpv6', 4), 6),
)
const plan = fc.record({
  usual: fc.constantFrom('allow' as const, 'deny' as const),
  denied: networks.map((ranges) => ranges.map(parseRange)),
  isDenialFirst: fc.boolean(),
})
const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({
    family: fc.constant(4 as const),
    protocol: fc.constantFrom(1, 6, 17, 47),
    destination: address.map((text) => parseRange(text).start),
    selector: fc.oneof(small(10), fc.constantFrom(0x800, 0x801, 0xff00)),
  }),
  fc.record({
    family: fc.constant(6 as const),
    protocol: fc.constantFrom(58, 6, 17, 47),
    destination: address6.map((text) => parseRange(text).start),
    selector: fc.oneof(small(10), fc.constantFrom(0x800, 0x801, 0xff00)),
  }),
)

/** What the rules say, one after the other. */
function interpreted(policy: EgressPolicy, one: Packet): string {
  const found = ruleFor(policy, one)
  return found === undefined ? `${policy.usual} false` : `${found.verdict} ${found.isLogged}`
}

/** What the sets say, as the kernel would look them up. */
function lookedUp(compiled: CompiledPolicy | undefined, one: Packet): string {
  if (compiled === undefined) return 'allow false'
  const { destination, protocol, selector } = one
  const isIn = ({ start, end }: { start: bigint; end: bigint }) => start <= destination && destination <= end
  const fits = (box: Box) =>
    box.protocol === protocol &&
    isIn(box.addresses) &&
    box.ports.start <= selector &&
    selector <= box.ports.end
  const layer = compiled.layers.find(
    ({ addresses, boxes }) => addresses.some(isIn) || boxes.some((plane) => plane.some(fits)),
  )
  return layer === undefined ? `${compiled.usual} false` : `${layer.verdict} ${layer.isLogged}`
}

const overlap = (one: Box, other: Box) =>
  one.protocol === other.protocol &&
  one.addresses.start <= other.addresses.end &&
  other.addresses.start <= one.addresses.end &&
  one.ports.start <= other.ports.end &&
  other.ports.start <= one.ports.end

describe('a compiled policy', () => {
  it('decides on every packet as its rules do, one after the other', () => {
    fc.assert(
      fc.property(
        plan,
        fc.array(rule, { maxLength: 8 }),
        fc.array(packet, { maxLength: 20 }),
        (net, rules, packets) => {
          const policy = egressPolicy(net, rules)
          const compiled = {
            4: compile(policy, { family: 4, logPrefix }),
            6: compile(policy, { family: 6, logPrefix }),
          }
          for (const one of packets)
            expect(lookedUp(compiled[one.family], one)).toBe(interpreted(policy, one))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('has sets in which nothing overlaps, as the kernel wants them', () => {
    fc.assert(
      fc.property(plan, fc.array(rule, { maxLength: 8 }), (net, rules) => {
        const compiled = compile(egressPolicy(net, rules), { family: 4, logPrefix })
        for (const { addresses, boxes } of compiled?.layers ?? []) {
          for (const plane of boxes) {
            for (const [at, box] of plane.entries()) {
              expect(plane.slice(at + 1).some((other) => overlap(box, other))).toBe(false)
            }
          }
          for (const [at, { start }] of addresses.entries()) {
            expect(at === 0 || start > (addresses[at - 1]?.end ?? start) + 1n).toBe(true)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('has two layers for a thousand rules that log in turns, since they do not meet', () => {
    const rules = Array.from({ length: 1000 }, (_, at) => {
      return { protocol: 'tcp' as const, ports: [{ start: at + 1 }], log: at % 2 === 0 }
    })
    expect(layersOf(egressPolicy({ ...openEgress, usual: 'deny' }, rules), 4)).toHaveLength(2)
  })

  it('is nothing where all is allowed, and another one where the handle of its log lines differs', () => {
    const logging = egressPolicy(openEgress, [{ log: true }])
    const ids = ['one', 'other', 'one'].map(
      (prefix) => compile(logging, { family: 4, logPrefix: prefix })?.id,
    )
    expect(compile(egressPolicy(openEgress, [{ protocol: 'tcp' }]), { family: 4, logPrefix })).toBe(undefined)
    expect(ids[0]).toBe(ids[2])
    expect(ids[0]).not.toBe(ids[1])
  })
})

describe('the rules of a document', () => {
  it.each<[NetOutRule, string]>([
    [{ protocol: 'icmp', ports: [{ start: 1 }] }, 'policy.net_out[0].ports'],
    [{ ports: [{ start: 1 }] }, 'policy.net_out[0].ports'],
    [{ protocol: 1, ports: [{ start: 2, end: 1 }] }, 'policy.net_out[0].ports[0]'],
    [{ networks: ['10.0.0.0/33'] }, 'policy.net_out[0].networks[0]'],
    [{ networks: ['10.0.0.1', { start: '10.0.0.1', end: 'fd00::1' }] }, 'policy.net_out[0].networks[1]'],
    [{ networks: [{ start: '10.0.0.2', end: '10.0.0.1' }] }, 'policy.net_out[0].networks[0]'],
    [{ networks: [{}] }, 'policy.net_out[0].networks[0]'],
    [{ networks: ['10.0.0.5/8'] }, 'policy.net_out[0].networks[0]'],
    [{ networks: ['fd00::1/64'] }, 'policy.net_out[0].networks[0]'],
    [{ networks: [{ start: '10.0.0.0/8' }] }, 'policy.net_out[0].networks[0]'],
    [{ networks: ['::ffff:10.0.0.1'] }, 'policy.net_out[0].networks[0]'],
    [{ protocol: 'icmp', networks: ['fd00::/8'] }, 'policy.net_out[0].networks'],
    [{ protocol: 'tcp', icmps: { type: 8 } }, 'policy.net_out[0].icmps'],
    [{ protocol: 'tcp', ports: [{}] }, 'policy.net_out[0].ports[0]'],
    [{ protocol: 'tcp', ports: [{ start: 1 }, { start: 0 }] }, 'policy.net_out[0].ports[1]'],
    [{ networks: ['10.0.0.1/032'] }, 'policy.net_out[0].networks[0]'],
    [{ networks: ['10.0.0.0/08'] }, 'policy.net_out[0].networks[0]'],
  ])('are refused by the path of what is wrong: %j', (wrong, path) => {
    expect(() => egressPolicy(openEgress, [wrong])).toThrow(
      expect.objectContaining({ fields: [expect.objectContaining({ path })] }),
    )
  })

  it.each<[NonNullable<NetOutRule['ports']>[number], [number, number]]>([
    [{ end: 90 }, [0, 90]],
    [{ start: 0, end: 90 }, [0, 90]],
    [{ start: 80 }, [80, 80]],
    [{ start: 80, end: 0 }, [80, 80]],
  ])('have ports as Go leaves out what is 0: %j', (range, [start, end]) => {
    const { rules } = egressPolicy(openEgress, [{ protocol: 'tcp', ports: [range] }])
    expect(rules[0]?.selectors).toEqual([{ start, end }])
  })

  it('are refused with the whole document, before there is a network or a container', () => {
    expect(() => checkPolicy({ net_out: [{}, { networks: ['nowhere'] }] })).toThrow(
      expect.objectContaining({
        kind: 'invalidArgument',
        fields: [expect.objectContaining({ path: 'policy.net_out[1].networks[0]' })],
      }),
    )
    expect(() => checkPolicy({ net_in: [{ host_port: 65_530, count: 7 }] })).toThrow('policy.net_in[0]')
    const nowhere = [
      '::1',
      '0:0::0:1',
      '224.0.0.1',
      '255.255.255.255',
      '0.0.0.1',
      'ff02::1',
      '::ffff:192.0.2.1',
      '192.0.2.01',
      '1.2.3',
      '::ffff:192.0.2.01',
      '2001:db8:1:0:0:0:0:00001',
      'fe80::1',
    ]
    for (const host_address of nowhere)
      expect(() => checkPolicy({ net_in: [{}, { host_address }] })).toThrow('policy.net_in[1].host_address')
    checkPolicy({ net_in: [{ host_address: '127.0.0.1' }, { host_address: '::' }] })
    for (const rate of [0, 1, 1.5e6 + 0.5, 1e15])
      expect(() => checkPolicy({ limits: { rate } })).toThrow('policy.limits')
    checkPolicy({ net_in: [{ host_port: 65_530, count: 6 }], net_out: [{ networks: ['10.0.0.0/8'] }] })
  })

  it('are refused with everything that is wrong in them', () => {
    const rules: NetOutRule[] = [
      { protocol: 'icmp', ports: [{ start: 1 }] },
      {
        protocol: 'tcp',
        ports: [{ start: 2, end: 1 }],
        networks: [{ start: '10.0.0.1', end: 'fd00::1' }, '10.0.0.0/8', 'nowhere'],
      },
    ]
    const paths = [
      'policy.net_out[0].ports',
      'policy.net_out[1].networks[0]',
      'policy.net_out[1].networks[2]',
      'policy.net_out[1].ports[0]',
    ]
    expect(() => egressPolicy(openEgress, rules)).toThrow(
      expect.objectContaining({ fields: paths.map((path) => expect.objectContaining({ path })) }),
    )
  })

  it.each([
    [undefined, { start: 0, end: 65535 }],
    [{}, { start: 0, end: 255 }],
    [{ type: 8 }, { start: 0x800, end: 0x8ff }],
    [
      { type: 8, code: 0 },
      { start: 0x800, end: 0x800 },
    ],
    [
      { type: 8, code: 255 },
      { start: 0x800, end: 0x8ff },
    ],
    [
      { type: 255, code: 255 },
      { start: 0, end: 65535 },
    ],
  ])('take icmps as Garden has them: %j', (icmps, selector) => {
    const { rules } = egressPolicy(openEgress, [{ protocol: 3, ...(icmps !== undefined && { icmps }) }])
    expect(rules[0]?.selectors).toEqual([selector])
    expect(rules[0]?.networks.map(({ family }) => family)).toEqual([4])
  })
})
