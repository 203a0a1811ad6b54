import { join } from 'node:path'
import { runConformance } from '@conet/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { repository } from '../support/repository.ts'

/** They wait for times that the protocol fixes: 5 s and 10 s. The long suite runs them. */
const slow = ['framing.slow-header', 'handshake.silence']

describe('the bundled drivers keep the contract', () => {
  it('[K7] the null driver passes every check up to resilient', async () => {
    const report = await runConformance({ command: commandOf('null'), level: 'resilient', skip: slow })
    expect(failuresOf(report)).toEqual([])
  })
})

function commandOf(name: string): string {
  const program = join(repository, `drivers/${name}/bin/conet-driver-${name}.js`)
  return `${process.execPath} ${program} --socket {socket} --log-level error`
}

function failuresOf({ checks }: Awaited<ReturnType<typeof runConformance>>) {
  const good = ['pass', 'not-applicable', 'disabled']
  return checks
    .filter(({ status }) => !good.includes(status))
    .map(({ id, status, message, found, notes }) => ({ id, status, message, found, notes }))
}
