import { it } from 'vitest'
import { fuzzHost } from '../fuzz/fuzz-host.ts'

it('[K7] conetd survives 1,000 mutated messages from drivers, and a call after each hundred succeeds', async () => {
  await fuzzHost(10)
})
