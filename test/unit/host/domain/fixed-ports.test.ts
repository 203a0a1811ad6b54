import { LeadingPorts } from '@conet/host/domain/fixed-ports'
import fc from 'fast-check'
import { expect, it } from 'vitest'

const port = fc.integer({ min: 1, max: 40 })
const count = fc.integer({ min: 1, max: 9 })
const row = fc.record({ protocol: fc.constantFrom('tcp', 'udp'), hostPort: port, containerPort: port, count })

it('[B19] ports lead where each of them leads, in however many rows they stand', () => {
  const apart = (rows: readonly { protocol: string; hostPort: number; count: number }[]) => {
    const ports = rows.flatMap(({ protocol, hostPort, count: length }) =>
      Array.from({ length }, (_, index) => `${protocol} ${hostPort + index}`),
    )
    return new Set(ports).size === ports.length
  }
  fc.assert(
    fc.property(fc.array(row, { maxLength: 6 }).filter(apart), row, (rows, asked) => {
      const targets = new Map(
        rows.flatMap(({ protocol, hostPort, containerPort, count: length }) =>
          Array.from({ length }, (_, n) => [`${protocol} ${hostPort + n}`, containerPort + n] as const),
        ),
      )
      const isThere = Array.from({ length: asked.count }, (_, n) => n).every(
        (n) => targets.get(`${asked.protocol} ${asked.hostPort + n}`) === asked.containerPort + n,
      )
      expect(new LeadingPorts(rows).has(asked)).toBe(isThere)
      expect(new LeadingPorts(rows).has({ ...asked, hostAddress: '192.0.2.1' })).toBe(isThere)
      const addressed = rows.map((one) => ({ ...one, hostAddress: '192.0.2.1' }))
      expect(new LeadingPorts(addressed).has(asked)).toBe(false)
    }),
  )
})

it.each([
  ['0.0.0.0', undefined, true],
  ['0.0.0.0', '192.0.2.1', true],
  ['0.0.0.0', '::', false],
  ['::', undefined, false],
  [undefined, '::', true],
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.1', '192.0.2.2', false],
])('ports at %s lead from those asked for at %s: %j', (at, askedAt, is) => {
  const ports = { protocol: 'tcp', hostPort: 80, containerPort: 80 }
  const withAddress = (hostAddress: string | undefined) => ({ ...ports, ...(hostAddress && { hostAddress }) })
  expect(new LeadingPorts([withAddress(at)]).has(withAddress(askedAt))).toBe(is)
})
