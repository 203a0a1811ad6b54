// The worker thread of MachineReader. A thread is in the network namespace of the process that made it.
import type { MachineFacts } from './facts.ts'
import { readMachineFacts } from './machine-facts.ts'

export function work(): MachineFacts {
  return readMachineFacts()
}
