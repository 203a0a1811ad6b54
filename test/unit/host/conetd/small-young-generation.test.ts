// The space that V8 gives to new objects, in a process of its own, since V8's flags hold for all of a process.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { repository } from '../../../support/repository.ts'

const small = pathToFileURL(join(repository, 'host/dist/conetd/small-young-generation.js')).href

/** Prints how large the space is after work that lets it grow: before a thread has started, and after. */
const program = `
  import { once } from 'node:events'
  import { setImmediate as turn } from 'node:timers/promises'
  import { getHeapSpaceStatistics } from 'node:v8'
  import { Worker } from 'node:worker_threads'

  function spaceAfterWork() {
    let kept = []
    for (let number = 0; number < 3_000_000; number++) {
      kept.push({ number })
      if (kept.length > 20_000) kept = []
    }
    return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space').space_size
  }

  if (process.argv[1] !== undefined) await import(process.argv[1])
  const before = spaceAfterWork()
  const thread = new Worker('', { eval: true })
  await once(thread, 'online')
  await turn()
  console.log(JSON.stringify([before, spaceAfterWork()]))
`

async function spaces(...imported: string[]): Promise<readonly [before: number, after: number]> {
  const args = ['--input-type=module', '--eval', program, ...imported]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}

it('does not grow, neither before nor after a thread has started', async () => {
  const [unlimited] = await spaces()
  const [before, after] = await spaces(small)
  expect(before).toBeLessThan(unlimited)
  expect(after).toBe(before)
})
