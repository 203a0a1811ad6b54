import { it } from 'vitest'
import { fuzzDriver } from '../fuzz/fuzz-driver.ts'

it('[K7] a driver on the SDK answers or ignores 10,000 mutated messages, and a valid call after each hundred', async () => {
  await fuzzDriver(100)
})
