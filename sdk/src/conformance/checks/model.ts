// Random life: sequences of calls that nobody thought of, held against a model of three maps.
import { plugSteps, restartStep, syncStep } from '../model/plug-steps.ts'
import { runSequences } from '../model/random-sequences.ts'
import { objectSteps } from '../model/steps.ts'
import type { ActiveCheck } from './check.ts'

const why = 'Bugs live between the calls: a delete after a failed create, a second plug after a reconnect.'
const mend =
  'The message has the shortest sequence that shows it; run it again with the printed seed and paths.'

export const modelChecks: readonly ActiveCheck[] = [
  {
    id: 'model.objects',
    title: 'after any sequence of creates, deletes, reconnects and syncs the driver has what it was told',
    level: 'robust',
    rules: ['IDEM-1', 'IDEM-2', 'IDEM-4', 'NET-4', 'NET-6', 'EP-5', 'SYNC-7'],
    sends: '20 sequences of up to 30 random creates, deletes, reconnects and syncs, out of the seed',
    limitMs: 60_000,
    why,
    mend,
    run: (kit) =>
      runSequences(kit, { steps: [...objectSteps, syncStep], sequences: 16, mostSteps: 30, sandboxes: 0 }),
  },
  {
    id: 'model.plugs',
    title: 'after any sequence with plugs and unplugs the driver has what it was told',
    level: 'robust',
    rules: ['IDEM-1', 'PLUG-1', 'PLUG-2', 'PLUG-3', 'PLUG-6', 'SYNC-5', 'SYNC-7'],
    sends:
      '15 sequences of up to 40 random creates, deletes, plugs, unplugs, reconnects and syncs, out of the seed',
    needs: ['root'],
    limitMs: 60_000,
    why,
    mend,
    run: (kit) => {
      // Twice, so that plugs are not lost among creates.
      const steps = [...objectSteps, ...plugSteps, ...plugSteps, syncStep]
      return runSequences(kit, { steps, sequences: 12, mostSteps: 40, sandboxes: 2 })
    },
  },
  {
    id: 'model.restarts',
    title: 'after any sequence with SIGKILLs a sync makes the driver have what it was told',
    level: 'resilient',
    rules: ['IDEM-3', 'IDEM-4', 'SYNC-2', 'SYNC-7'],
    sends: '2 sequences of up to 20 random calls, with SIGKILL and a new start among them, out of the seed',
    needs: ['command', 'root'],
    limitMs: 60_000,
    why,
    mend,
    run: (kit) => {
      const steps = [...objectSteps, ...plugSteps, syncStep, restartStep]
      return runSequences(kit, { steps, sequences: 2, mostSteps: 20, sandboxes: 2 })
    },
  },
]
