import { it } from 'vitest'
import { fuzzDriver } from '../fuzz/fuzz-driver.ts'

it('[K7] a driver on the SDK answers or ignores 100,000 mutated messages, and a valid call after each hundred', async () => {
  await fuzzDriver(1_000)
}, 600_000)
