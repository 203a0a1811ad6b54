import { DriverWatch } from '@conet/host/lifecycle/driver-watch'
import { expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'

it('a look that took no time is not old news for long', async () => {
  let looks = 0
  const getHost = (): never => {
    looks += 1
    throw new Error('there is no driver to ask')
  }
  using watch = new DriverWatch(getHost, { everyMs: 0 })
  await eventually(
    async () => {
      await watch.look().catch(() => undefined)
      expect(looks).toBeGreaterThan(2)
    },
    { timeoutMs: 1_000 },
  )
})
