import { PayloadWriter } from '@conet/sdk/linux'
import { expect, it } from 'vitest'
import { appendRule, decide, isIn, isSameRule, toldBy } from '../../../sdk/dist/linux/netfilter/index.js'

const set = 'policy_0123456789abcde_0_a'
const told = toldBy([appendRule({ table: 'one', name: 'chain' }, [isIn(set), decide('accept')])]).rules[0]

/** As the kernel lists it: the lookup with flags that nobody gave it, and what is nested not marked so. */
function listed({ lookupFlags, verdict = 1 }: { lookupFlags: number; verdict?: number }) {
  const nested = (type: number, content: PayloadWriter) => (writer: PayloadWriter) =>
    writer.attributeBytes(type, content.finish())
  const attributes = (...write: ((writer: PayloadWriter) => unknown)[]) => {
    const writer = new PayloadWriter()
    for (const one of write) one(writer)
    return writer
  }
  const number = (type: number, value: number) => (writer: PayloadWriter) =>
    writer.attributeU32BigEndian(type, value)
  const text = (type: number, value: string) => (writer: PayloadWriter) => writer.attributeString(type, value)
  const lookup = attributes(text(1, set), number(2, 1), number(5, lookupFlags))
  const decision = attributes(number(1, 0), nested(2, attributes(nested(2, attributes(number(1, verdict))))))
  const list = attributes(
    nested(1, attributes(text(1, 'lookup'), nested(2, lookup))),
    nested(1, attributes(text(1, 'immediate'), nested(2, decision))),
  )
  const bytes = attributes(text(1, 'one'), text(2, 'chain'), number(3, 77), nested(4, list)).finish()
  return { chain: 'chain', bytes }
}

it('a rule is the same though the kernel lists more than it was told, as long as that is nothing', () => {
  if (told === undefined) throw new Error('the request makes no rule')
  expect(isSameRule(listed({ lookupFlags: 0 }), told)).toBe(true)
  // What is not in the set.
  expect(isSameRule(listed({ lookupFlags: 1 }), told)).toBe(false)
  expect(isSameRule(listed({ lookupFlags: 0, verdict: 0 }), told)).toBe(false)
})
