// Each driver of the tree, checked as a vendor would check it: by the program, which takes namespaces of its own for each.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { Report } from '@conet/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { repository } from '../support/repository.ts'

/** They wait for times that the protocol fixes: 5 s and 10 s. The zoo has a driver that fails each of them. */
const slow = ['framing.slow-header', 'handshake.silence']

// The same sequences each time; whoever wants others runs `conet-conformance` with another seed.
const seed = 1

/** Then the kit is told to end, which ends its driver, too. Below the time of the test, and that of the file. */
const kitMs = 200_000
const kit = join(repository, 'sdk/bin/conet-conformance.js')

// Side by side, since much of a run is waiting.
describe.concurrent('the bundled drivers keep the contract', () => {
  it.each(['null', 'bridge', 'vxlan', 'weave-example'])(
    '[K7] [K8] the %s driver passes every check up to upgradable, which it claims',
    { timeout: 220_000 },
    async (name) => {
      const { exitCode, report } = await conformanceOf(name)
      expect(failuresOf(report)).toEqual([])
      expect(exitCode).toBe(0)
      expect(report.checks.find(({ id }) => id === 'upgrade.takes-over')?.status).toBe('pass')
    },
  )
})

function conformanceOf(name: string): Promise<{ exitCode: number | string; report: Report }> {
  const program = join(repository, `drivers/${name}/bin/conet-driver-${name}.js`)
  const command = `${process.execPath} ${program} --socket {socket} --log-level error`
  const which = ['--level', 'upgradable', '--skip', slow.join(','), '--seed', String(seed)]
  const args = [kit, 'run', '--command', command, ...which, '--quiet', '--report', 'json=-']
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { maxBuffer: 32 * 1024 * 1024, timeout: kitMs }, (error, stdout) => {
      if (stdout === '') reject(error)
      else resolve({ exitCode: error?.code ?? 0, report: JSON.parse(stdout) })
    })
  })
}

function failuresOf({ checks }: Report) {
  const good = ['pass', 'not-applicable', 'disabled']
  return checks
    .filter(({ status }) => !good.includes(status))
    .map(({ id, status, message, found, notes }) => ({ id, status, message, found, notes }))
}
