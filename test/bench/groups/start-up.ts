// How long a person waits for the command line to start, against node itself.
import { spawnSync } from 'node:child_process'
import { conetProgram } from '../../support/conetd-process.ts'
import { interleave, type Side } from '../interleave.ts'
import { timedSync } from '../samples.ts'
import type { Group } from './group.ts'

const rounds = 20

export const startUp: Group = {
  rows: ['node-start', 'cli-help'],
  measure: (run) =>
    interleave([side('node-start', ['-e', '0']), side('cli-help', [conetProgram, '--help'])], run.samples, {
      rounds,
      signal: run.signal,
      progress: run.progress,
      title: 'start-up',
    }),
}

function side(row: string, argv: readonly string[]): Side {
  return { warmUps: 2, round: async () => [[row, timedSync(() => run(argv))]] }
}

function run(argv: readonly string[]): void {
  const { status, stderr, error } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`node ${argv.join(' ')} failed: ${stderr}`)
}
