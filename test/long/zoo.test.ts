// Every broken driver of the zoo meets every check of the kit.
import { describe, expect, it } from 'vitest'
import { mutations } from '../zoo/mutations/index.ts'
import { everyCheck, expectedOf, failuresOf, slowChecks, verdictOnProgram } from '../zoo/verdict.ts'

it('[K7] the good driver passes every check of every level, also without records', async () => {
  const { failed } = await verdictOnProgram([], { skip: slowChecks })
  expect(failed).toEqual([])
}, 300_000)

describe.concurrent('a driver that', () => {
  it.each(mutations)(
    '[K7] $does ($name) fails the checks that it names, and no other at all',
    async (mutation) => {
      expect(await failuresOf(mutation, everyCheck)).toEqual(expectedOf(mutation, everyCheck))
    },
    300_000,
  )
})
