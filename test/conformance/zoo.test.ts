// Each check of the kit is proven able to fail: by a driver that is good but for one thing. Here each broken driver meets
// the checks that it fails and those of everything that is said; in test/long it meets all of them.
import { allChecks } from '@conet/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { goodBehaviour } from '../zoo/behaviour.ts'
import { kernelMutations, mutations } from '../zoo/mutations/index.ts'
import {
  everyCheck,
  expectedOf,
  failuresOf,
  namedChecks,
  slowChecks,
  verdictOn,
  verdictOnProgram,
} from '../zoo/verdict.ts'

describe.concurrent('the good driver of the zoo', () => {
  it('[K7] passes every check of every level but those of restarts', async () => {
    const { failed } = await verdictOnProgram([], { skip: [...slowChecks, 'restart', 'upgrade'] })
    expect(failed).toEqual([])
  })

  it('[K7] passes those of restarts and upgrades, if its records outlive it', async () => {
    const only = everyCheck.filter((id) => id.startsWith('restart.') || id.startsWith('upgrade.'))
    const kept = await verdictOnProgram(['--keep-records', '--hot-upgrade'], { only })
    // It makes no interface that could still be there.
    expect(kept).toEqual({ failed: [], undecided: ['restart.listed'] })
  })

  it('[K7] passes those that wait, if it waits for less', async () => {
    const hasty = { ...goodBehaviour(), patienceMs: { silence: 500, header: 200, body: 500 } }
    expect(await verdictOn(hasty, { only: slowChecks, timeScale: 1 })).toEqual({ failed: [], undecided: [] })
  })

  it('is not judged by random sequences of which it ends none in time', async () => {
    const slow = { ...goodBehaviour(), workMs: 300 }
    const only = ['model.objects']
    expect(await verdictOn(slow, { only, timeScale: 0.1 })).toEqual({ failed: [], undecided: only })
  })
})

describe.concurrent('a driver that', () => {
  it.each(mutations)('[K7] $does ($name) fails the checks that it names', async (mutation) => {
    const only = namedChecks(mutation)
    expect(await failuresOf(mutation, only)).toEqual(expectedOf(mutation, only))
  })
})

it('[K7] each check is failed by a driver of the zoo', () => {
  const proven = new Set([...mutations, ...kernelMutations].flatMap(({ fails }) => fails))
  const unproven = allChecks.map(({ id }) => id).filter((id) => !proven.has(id))
  expect(unproven).toEqual([])
})

it('each driver of the zoo has a name of its own, and fails something that the kit knows', () => {
  const names = [...mutations, ...kernelMutations].map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  const known = new Set(allChecks.map(({ id }) => id))
  expect(mutations.filter(({ fails }) => fails.length === 0 || fails.some((id) => !known.has(id)))).toEqual(
    [],
  )
})
