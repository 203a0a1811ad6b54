import { ConetError } from '@conet/sdk'
import fc from 'fast-check'
import { Check } from 'typebox/schema'
import { describe, expect, it } from 'vitest'
import { checkPolicy } from '../../../sdk/dist/bridge-network/policy/check.js'
import { PolicyDocument } from '../../../sdk/dist/bridge-network/policy/document.js'

/** What people write who mean an address, and what they do to it. */
const nearAddress = fc
  .tuple(
    fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom(
        '1.2.3',
        '::',
        '::ffff:192.0.2.01',
        '2001:db8:1:0:0:0:0:00001',
        '192.0.2.001',
        'fe80::1%lo',
      ),
      fc.stringMatching(/^[0-9a-f:.%/]{1,24}$/),
    ),
    fc.constantFrom('', '', '/0', '/8', '/08', '/032', '/33', '/64', '/129', '/', '/-1', '%eth0', ' '),
    fc.constantFrom('', '', '', '0', '.', ':'),
  )
  .map(([text, after, before]) => before + text + after)
const port = fc.oneof(fc.constantFrom(0, 1, 80, 65_535), fc.integer({ min: 0, max: 65_535 }))
/** Any of the members may be absent. */
const optional = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { requiredKeys: [] })
const few = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 3 })
const network = fc.oneof(nearAddress, optional({ start: nearAddress, end: nearAddress }))
const netIn = optional({
  protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
  host_port: port,
  container_port: port,
  count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 65_535 })),
  host_address: nearAddress,
})
const netOut = optional({
  protocol: fc.constantFrom('all', 'tcp', 'udp', 'icmp', 'icmpv6', 'sctp', 0, 1, 2, 3, 4),
  networks: few(network),
  ports: few(optional({ start: port, end: port })),
  icmps: optional({ type: fc.integer({ min: 0, max: 255 }), code: fc.integer({ min: 0, max: 255 }) }),
  log: fc.boolean(),
  action: fc.constantFrom('allow', 'deny'),
})
const rate = fc.record({
  rate: fc.integer({ min: 1_000, max: 1_250_000_000_000 }),
  burst: fc.integer({ min: 1 }),
})
const document = optional({
  version: fc.constant(1),
  net_in: few(netIn),
  net_out: few(netOut),
  limits: fc.oneof(rate, optional({ ingress: rate, egress: rate })),
})

/** The paths of the fields; undefined where it is taken. */
function refusalOf(policy: unknown): string[] | undefined {
  try {
    checkPolicy(policy)
    return undefined
  } catch (error) {
    if (!ConetError.is(error, 'invalidArgument')) throw error
    return error.fields.map(({ path }) => path)
  }
}

describe('a policy that nobody has yet', () => {
  it('is taken, or refused by its fields, whatever it says of what its schema lets it say', () => {
    let taken = 0
    const property = fc.property(document, (policy) => {
      fc.pre(Check(PolicyDocument, policy))
      const paths = refusalOf(policy)
      if (paths === undefined) taken += 1
      else expect(paths).toContainEqual(expect.stringMatching(/^policy\.net_(in|out)\[\d/))
    })
    fc.assert(property, { numRuns: 1000 })
    expect(taken).toBeGreaterThan(0)
  })
})
