// The demo: sets the stage, tells the story, cleans up, and says whether every step was checked. Must run in network and
// mount namespaces of its own (scripts/demo.mjs sees to that).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Rollback } from '@conet/sdk'
import { ConetdProcess } from '../support/conetd-process.ts'
import { repository } from '../support/repository.ts'
import { mountRunFileSystem } from '../support/run-file-system.ts'
import { makeRuncCommand } from './bundle.ts'
import { CheckFailed } from './check.ts'
import { systemPath } from './program-path.ts'
import { Scene } from './scene.ts'
import { tellStory } from './story.ts'

async function main(): Promise<void> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => stop.abort(`ended by ${signal}`))
  await using undo = new Rollback()
  const directory = mkdtempSync(join(tmpdir(), 'conet-demo-'))
  undo.defer(`remove ${directory}`, () => rmSync(directory, { recursive: true, force: true }))
  const runFileSystem = mountRunFileSystem(join(directory, 'run'))
  undo.defer('unmount the run directory', () => runFileSystem[Symbol.dispose]())
  const conetd = new ConetdProcess({ directory, spawn: ['null', 'bridge'] })
  const folders = [makeRuncCommand(directory), join(repository, 'node_modules/.bin'), ...systemPath]
  const environment = { ...process.env, PATH: folders.join(':'), CONET_SOCKET: conetd.socket }
  const print = (text: string) => process.stdout.write(text)
  const scene = new Scene({ directory, environment, print, signal: stop.signal })
  const start = performance.now()
  try {
    await tellStory({ scene, conetd, environment, undo })
  } catch (error) {
    print(`\nFAILED after ${scene.checked} checks: ${describe(error)}\n`)
    process.exitCode = 1
    return
  }
  print(`\nAll ${scene.checked} checks passed in ${((performance.now() - start) / 1_000).toFixed(1)} s.\n`)
}

function describe(error: unknown): string {
  if (error instanceof CheckFailed) return error.message
  return error instanceof Error ? `${error.stack}` : String(error)
}

await main()
