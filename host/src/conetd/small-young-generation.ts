// Keeps the memory of conetd small. V8 lets the space for new objects grow up to 32 MiB a half under load, and does not
// give it back soon: after some thousand plugs most of the resident memory is that space, empty. What a plug leaves dies
// at once, so a small one is collected a little oftener and holds as much. docs/decisions/0007 has the numbers.
// Must be imported before everything else: what has grown stays.
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'

const doesNotGrow = '--semi-space-growth-factor=1'

setFlagsFromString(doesNotGrow)
// With the heap of each thread V8 puts the factor of all back to 2 (`Heap::ConfigureHeap`).
process.on('worker', (thread) => {
  for (const event of ['online', 'exit'] as const) thread.once(event, () => setFlagsFromString(doesNotGrow))
})
