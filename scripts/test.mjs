// Runs all tests, or those whose path contains one of the arguments: `npm test -- kernel/link`. With `--long` those below
// test/long, which may take hours and are no part of the others.
// Unit tests run in one vitest. Each file of the other folders runs in a network and mount namespace of its own, so that
// what it does to the kernel ends with it. Last line: `N passed, N failed`.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundlePrograms } from './bundle.mjs'
import { endAllRuns, runVitest } from './vitest-run.mjs'

const testDir = fileURLToPath(new URL('../test', import.meta.url))
const { values, positionals: wanted } = parseArgs({
  options: { long: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const isolatedFolders = values.long ? ['long'] : ['chaos', 'conformance', 'e2e', 'kernel']
const deadlineMs = values.long ? 4 * 3_600_000 : 300_000
/** More than the two processors of the machine it is meant for: much of a test is waiting. */
const concurrency = 3
const slowSeconds = 20

function testFiles(folder) {
  if (!existsSync(join(testDir, folder))) return []
  return readdirSync(join(testDir, folder), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)))
    .sort()
}

function tell({ title, passed, failed, seconds, output }) {
  const time = seconds >= slowSeconds ? ` (slow: ${seconds.toFixed(0)} s)` : ''
  console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${title}: ${passed} passed, ${failed} failed${time}`)
  if (failed > 0) console.log(output)
}

bundlePrograms()
const reports = mkdtempSync(join(tmpdir(), 'conet-test-'))
const totals = { passed: 0, failed: 0 }
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    interrupted = true
    endAllRuns()
  })
}

async function run(files, options) {
  const result = await runVitest(files, { testDir, reports, deadlineMs, ...options })
  totals.passed += result.passed
  totals.failed += result.failed
  tell(result)
}

// The long ones first, so that the end does not wait for one that started last.
const unit = values.long ? [] : testFiles('unit')
const isolated = isolatedFolders.flatMap(testFiles)
try {
  if (unit.length > 0) await run(unit, { isolated: false })
  const worker = async () => {
    for (let file = isolated.shift(); file !== undefined && !interrupted; file = isolated.shift()) {
      await run([file], { isolated: true })
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
} finally {
  rmSync(reports, { recursive: true, force: true })
}
if (interrupted) totals.failed += 1
console.log(`${totals.passed} passed, ${totals.failed} failed`)
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1
