// Keeps the memory of conetd small. V8 lets the space for new objects grow up to 32 MiB a half under load, and does not
// give it back soon: after some thousand plugs most of the resident memory is that space, empty. What a plug leaves dies
// at once, so a small one is collected a little oftener and holds as much. docs/decisions/0007 has the numbers.
// Must be imported before everything else: V8 reads these when the heap first grows.
import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--max-semi-space-size=4')
setFlagsFromString('--semi-space-growth-factor=1')
