// Runs test files in one vitest, which reads and transforms each module once for all of them; each file that is to be
// alone has a process in namespaces of its own. docs/decisions/0028.
import { join } from 'node:path'
import { joinedModules } from '../../scripts/joined-modules.mjs'
import { testProcesses } from './test-process.mjs'

/** Resolves when the report has all. `isolated` begin in their order, `shared` behind them. */
export async function runVitest({ isolated, shared, testDir, report, deadlineMs, concurrency }) {
  const said = (file, text) => report.said(file, text)
  const project = (name, isolate) => ({
    extends: true,
    // Those that share processes load each module but a few times.
    plugins: isolate ? [joinedModules()] : [],
    test: { name, isolate, pool: testProcesses({ isolated: isolate, deadlineMs, said }) },
  })
  const projects = [project('isolated', true), project('shared', false)]
  const settings = { root: testDir, watch: false, reporters: [report], maxWorkers: concurrency }
  process.env.NO_COLOR = '1'
  // Only now: it reads that as it is loaded.
  const { createVitest } = await import('vitest/node')
  const vitest = await createVitest(
    'test',
    settings,
    { test: { projects, sequence: { sequencer: AsGiven } } },
    { stderr: process.stdout },
  )
  report.begin(vitest)
  try {
    const specifications = [isolated, shared].flatMap((files, which) => {
      const found = vitest.projects.find(({ name }) => name === projects[which].test.name)
      return files.map((file) => found.createSpecification(join(testDir, file)))
    })
    await vitest.runTestSpecifications(specifications, true)
  } finally {
    await vitest.close()
  }
}

class AsGiven {
  shard(specifications) {
    return specifications
  }

  sort(specifications) {
    return specifications
  }
}
