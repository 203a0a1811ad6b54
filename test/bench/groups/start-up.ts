// How long a person waits for the command line to start, and Guardian for its plugin, against node itself.
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Rollback } from '@conet/sdk'
import { conetProgram } from '../../support/conetd-process.ts'
import { eventually } from '../../support/eventually.ts'
import { guardianProgram } from '../../support/shims.ts'
import { httpCall } from '../../support/unix-http.ts'
import { interleave, type Side } from '../interleave.ts'
import { timedSync } from '../samples.ts'
import { type Group, type Run, wantsAny, workplace } from './group.ts'

const rounds = 20

export const startUp: Group = {
  rows: ['node-start', 'cli-help', 'guardian-start'],
  async measure(run) {
    await using place = await workplace()
    await using undo = new Rollback()
    const sides = [side('node-start', ['-e', '0'])]
    if (wantsAny(run, 'cli-help')) sides.push(side('cli-help', [conetProgram, '--help']))
    if (wantsAny(run, 'guardian-start')) sides.push(await guardianSide(place.directory, run, undo))
    const { signal, progress } = run
    await interleave(sides, run.samples, { rounds, signal, progress, title: 'start-up' })
  },
}

/** A process that answers each request with a container without networks: this one stands still while it measures. */
const idleHost = `
  const answer = JSON.stringify({ networks: {} })
  require('node:http').createServer((request, response) => {
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end(answer))
  }).listen(process.argv[1])`

async function guardianSide(directory: string, { signal }: Run, undo: Rollback): Promise<Side> {
  const socketPath = join(directory, 'h.runtime.sock')
  const host = spawn(process.execPath, ['-e', idleHost, socketPath], { stdio: 'ignore', signal })
  host.on('error', () => undefined)
  undo.defer('end the host that does nothing', () => void host.kill('SIGKILL'))
  await eventually(() => httpCall(socketPath, { path: '/' }), { timeoutMs: 15_000 })
  const input = JSON.stringify({ Pid: process.pid, Properties: {} })
  return side(
    'guardian-start',
    [guardianProgram, '--socket', socketPath, '--action', 'up', '--handle', 'h'],
    input,
  )
}

function side(row: string, argv: readonly string[], input = ''): Side {
  return { warmUps: 2, round: async () => [[row, timedSync(() => run(argv, input))]] }
}

function run(argv: readonly string[], input: string): void {
  const { status, stderr, error } = spawnSync(process.execPath, argv, { encoding: 'utf8', input })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`node ${argv.join(' ')} failed: ${stderr}`)
}
