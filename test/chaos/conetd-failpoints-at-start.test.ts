import { afterAll, beforeAll, describe, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { afterLoss, twice } from './conetd-crashes.ts'
import { crashConetdAfterLossIn, crashConetdTwiceIn } from './crash.ts'

let fixture: ConetdFixture

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['bridge'] })
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

describe('conetd killed at a failpoint of its start is whole again after another', () => {
  it.each(twice)('%s, at %s, and again at %s', (name, first, second) =>
    crashConetdTwiceIn(fixture, name, [first, second]),
  )

  it.each(afterLoss)('%s, its volatile store lost, at %s', (name, failpoint) =>
    crashConetdAfterLossIn(fixture, name, failpoint),
  )
})
