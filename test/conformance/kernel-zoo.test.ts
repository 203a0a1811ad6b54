// The checks of the kernel are proven able to fail by drivers that make interfaces. One after the other: the kit compares
// the whole namespace, which they share.
import { describe, expect, it } from 'vitest'
import { goodBehaviour } from '../zoo/behaviour.ts'
import { withKernel } from '../zoo/kernel/behaviour.ts'
import { goodKernel } from '../zoo/kernel/ends.ts'
import { kernelMutations } from '../zoo/mutations/index.ts'
import { failuresOf, kernelChecks, verdictOn } from '../zoo/verdict.ts'

it('[K7] the good driver that makes interfaces passes every check of the kernel', async () => {
  const good = withKernel(goodBehaviour(), goodKernel())
  expect(await verdictOn(good, { only: kernelChecks, variant: { interfaces: true } })).toEqual({
    failed: [],
    // It leaves nothing to the host, and it cannot be ended.
    undecided: ['kernel.source', 'kernel.driver-end-keeps'],
  })
}, 60_000)

describe('a driver that', () => {
  it.each(kernelMutations)(
    '[K7] $does ($name) fails the checks of the kernel that it names, and no other',
    async (mutation) => {
      expect(await failuresOf(mutation, kernelChecks)).toEqual([...mutation.fails].sort())
    },
    60_000,
  )
})
