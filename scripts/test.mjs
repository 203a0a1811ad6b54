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
/** Twice the processors of the machine it is meant for: much of a test is waiting. */
const concurrency = 4
const slowSeconds = 20
/** Begun first, so that the end does not wait for one that started last. */
const longest = [
  'chaos/conetd-failpoints',
  'conformance/zoo',
  'chaos/ten-thousand-plugs',
  'conformance/bundled-drivers',
  'chaos/driver-failpoints',
  'chaos/host-survives-zoo',
  'e2e/bad-input-conetd',
  'e2e/cluster/nodes',
  'chaos/spawned-drivers',
  'chaos/driver-trouble',
  'conformance/kernel-zoo',
  'e2e/packed-sdk',
  'chaos/policies',
  'chaos/host-interfaces',
  'e2e/guardian',
  'e2e/bad-input-cli',
  'e2e/demo',
  'e2e/readme-driver',
  'chaos/spawn-failpoints',
  'e2e/cluster/store-replaced',
].map((title) => `${title}.test.ts`)

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

function longestFirst(files) {
  return [
    ...longest.filter((file) => files.includes(file)),
    ...files.filter((file) => !longest.includes(file)),
  ]
}

const unit = values.long ? [] : testFiles('unit')
const runs = longestFirst(isolatedFolders.flatMap(testFiles)).map((file) => ({
  files: [file],
  isolated: true,
}))
if (unit.length > 0) runs.unshift({ files: unit, isolated: false })
try {
  const worker = async () => {
    for (let next = runs.shift(); next !== undefined && !interrupted; next = runs.shift()) {
      await run(next.files, { isolated: next.isolated })
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
} finally {
  rmSync(reports, { recursive: true, force: true })
}
if (interrupted) totals.failed += 1
console.log(`${totals.passed} passed, ${totals.failed} failed`)
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1
