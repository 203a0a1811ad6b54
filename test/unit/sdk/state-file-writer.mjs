// Writes a state file for ever, and prints the number of each write that was confirmed.
import { StateFile } from '@conet/sdk'

const schema = { type: 'object' }
const file = new StateFile({ path: process.argv[2], schema, version: 1, empty: { leases: {} } })
const padding = 'x'.repeat(50_000)
for (let count = 1; ; count += 1) {
  await file.write({ leases: { count: `${count}`, padding } })
  process.stdout.write(`${count}\n`)
}
