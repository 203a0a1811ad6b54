import { join } from 'node:path'
import { runConformance } from '@conet/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { repository } from '../support/repository.ts'

/** They wait for times that the protocol fixes: 5 s and 10 s. The long suite runs them. */
const slow = ['framing.slow-header', 'handshake.silence']

// The same sequences each time; whoever wants others runs `conet-conformance` with another seed.
const seed = 1

describe('the bundled drivers keep the contract', () => {
  it.each(['null', 'bridge', 'weave-example'])(
    '[K7] [K8] the %s driver passes every check up to resilient',
    async (name) => {
      const report = await runConformance({ command: commandOf(name), level: 'resilient', skip: slow, seed })
      expect(failuresOf(report)).toEqual([])
    },
    120_000,
  )
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
