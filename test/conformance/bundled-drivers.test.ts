// Each driver of the tree, checked as a vendor would check it: by the program, which takes namespaces of its own for each.
// What is left out, and other seeds, are for test/long.
import { describe, expect, it } from 'vitest'
import { bundledDrivers, conformanceOf, failuresOf } from '../support/conformance-program.ts'

/** They wait for times that the protocol fixes: 5 s and 10 s. The zoo has a driver that fails each of them. */
const slow = ['framing.slow-header', 'handshake.silence']
/** Dozens of starts. */
const long = ['model.restarts']
/** Of `runDriver`, in processes of their own: the same for all, and seen with bridge and null. */
const ofProcess = [
  'socket.sigterm',
  'socket.removed-at-end',
  'socket.replaces-stale',
  'handshake.new-instance',
]
/**
 * Random sequences, and plugs that are half done, go through the code that these share with the bridge driver; null does
 * nothing that could be half done.
 */
const ofOthers: Record<(typeof bundledDrivers)[number], readonly string[]> = {
  bridge: [],
  vxlan: ['model', 'restart.mid-plug', ...ofProcess],
  null: ['model', 'restart.mid-plug'],
  'weave-example': ['model', 'restart.mid-plug', ...ofProcess],
}

// Side by side, since much of a run is waiting.
describe.concurrent('the bundled drivers keep the contract', () => {
  it.each(bundledDrivers)(
    '[K7] [K8] the %s driver passes the checks of every level up to upgradable, which it claims',
    { timeout: 420_000 },
    async (name) => {
      const { exitCode, report } = await conformanceOf(name, [
        '--seed',
        '1',
        '--skip',
        [...slow, ...long, ...ofOthers[name]].join(),
      ])
      expect(failuresOf(report)).toEqual([])
      expect(exitCode).toBe(0)
      expect(report.checks.find(({ id }) => id === 'upgrade.takes-over')?.status).toBe('pass')
      const policy = report.checks.find(({ id }) => id === 'policy.repeated')?.status
      expect(policy).toBe(name === 'weave-example' ? 'not-applicable' : 'pass')
    },
  )
})
