import { hostFailpoints } from '@conet/host/lifecycle/failpoints'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { afterLoss, crashes, elsewhere, twice } from './conetd-crashes.ts'
import { crashConetdIn } from './crash.ts'
import { crashRows } from './scenarios.ts'

let fixture: ConetdFixture

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['bridge'] })
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

describe('conetd killed at a failpoint is whole again after a start', () => {
  it.each(crashRows(crashes))('$name, at $failpoint', ({ name, failpoint }) =>
    crashConetdIn(fixture, name, failpoint),
  )

  it('at every failpoint that it has', () => {
    const reached = new Set<string>([
      ...Object.values(crashes).flat(),
      ...twice.flatMap(([, first, second]) => [first, second]),
      ...afterLoss.map(([, failpoint]) => failpoint),
      ...elsewhere,
    ])
    expect([...hostFailpoints].filter((name) => !reached.has(name))).toEqual([])
  })
})
