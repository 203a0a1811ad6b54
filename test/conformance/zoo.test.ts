// Each check of the kit is proven able to fail: by a driver that is good but for one thing.
import { allChecks } from '@conet/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { goodBehaviour } from '../zoo/behaviour.ts'
import { mutations } from '../zoo/mutations/index.ts'
import { slowChecks, verdictOn, verdictOnMutation, verdictOnProgram } from '../zoo/verdict.ts'

const skip = ['kernel', ...slowChecks]
const inProcess = mutations.filter(({ where }) => where !== 'program')
const asPrograms = mutations.filter(({ where }) => where === 'program')

/** What no other check brings about yet. */
const waiting = [
  'transcript.limit',
  'transcript.progress-token',
  'transcript.progress-rises',
  'transcript.deadline',
]

describe('the good driver of the zoo', () => {
  it('[K7] passes every check of every level', async () => {
    const { failed } = await verdictOnProgram([], { skip: [...slowChecks] })
    expect(failed).toEqual([])
  }, 120_000)

  it('[K7] passes those that wait, if it waits for less', async () => {
    const hasty = { ...goodBehaviour(), patienceMs: { silence: 500, header: 200, body: 500 } }
    expect(await verdictOn(hasty, { only: [...slowChecks], timeScale: 1 })).toEqual({
      failed: [],
      undecided: [],
    })
  })
})

describe.concurrent('a driver that', () => {
  it.each(inProcess)(
    '[K7] $does ($name) fails the checks that it names, and no other',
    async (mutation) => {
      const isSlow = mutation.fails.some((id) => slowChecks.includes(id))
      const failed = await verdictOnMutation(mutation, isSlow ? { only: mutation.fails } : { skip })
      expect(failed.sort()).toEqual([...mutation.fails].sort())
    },
    120_000,
  )
})

describe('a program that', () => {
  it.each(asPrograms)(
    '[K7] $does ($name) fails the checks that it names',
    async ({ name, fails }) => {
      const { failed } = await verdictOnProgram(['--mutation', name], { only: fails })
      expect(failed.sort()).toEqual([...fails].sort())
    },
    120_000,
  )
})

it('[K7] each check is failed by a driver of the zoo', () => {
  const proven = new Set(mutations.flatMap(({ fails }) => fails))
  const unproven = allChecks.map(({ id }) => id).filter((id) => !proven.has(id))
  expect(unproven.filter((id) => !id.startsWith('kernel.'))).toEqual(waiting)
})

it('each driver of the zoo has a name of its own, and fails something that the kit knows', () => {
  const names = mutations.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  const known = new Set(allChecks.map(({ id }) => id))
  expect(mutations.filter(({ fails }) => fails.length === 0 || fails.some((id) => !known.has(id)))).toEqual(
    [],
  )
})
