// A hundred messages with something wrong in them, again and again, from fast-check. What fails is printed with its seed and
// path: CONET_FUZZ_SEED=… CONET_FUZZ_PATH=… sends that very batch, and no other.
import fc from 'fast-check'
import { type Message, tame, wild } from './mutants.ts'

const tameOnes = 95
const wildOnes = 5

export type Batch = { readonly tame: readonly Message[]; readonly wild: readonly Buffer[] }

/** Rejects at the first batch that `send` rejects for. The others go to a live process, so nothing is shrunk. */
export async function sendBatches(
  count: number,
  corpus: readonly Message[],
  send: (batch: Batch) => Promise<void>,
): Promise<void> {
  const { CONET_FUZZ_SEED: seed, CONET_FUZZ_PATH: path } = process.env
  const exactly = (length: number) => ({ minLength: length, maxLength: length })
  const batches = fc.record({
    tame: fc.array(tame(corpus), exactly(tameOnes)),
    wild: fc.array(wild(corpus), exactly(wildOnes)),
  })
  await fc.assert(fc.asyncProperty(batches, send), {
    numRuns: Math.ceil(count),
    endOnFailure: true,
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(path !== undefined && { path }),
  })
}
