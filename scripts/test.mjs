// Runs all tests, or those whose path contains one of the arguments: `npm test -- kernel/link`.
// Unit tests run in one vitest. Each file below test/kernel and test/e2e runs in a network and mount
// namespace of its own, so that what it does to the kernel ends with it. Last line: `N passed, N failed`.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const testDir = join(root, 'test')
const wanted = process.argv.slice(2)
const reports = mkdtempSync(join(tmpdir(), 'conet-test-'))
const concurrency = 2

function testFiles(folder) {
  if (!existsSync(join(testDir, folder))) return []
  return readdirSync(join(testDir, folder), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)))
}

/** Runs vitest on the files; resolves to its counts. A run that gives no report counts as one failure. */
function vitest(files, { isolated }) {
  const report = join(reports, `${files[0].replaceAll('/', '-')}.json`)
  const vitestArgs = [
    'run',
    '--root',
    testDir,
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]
  const command = [process.execPath, join(root, 'node_modules/vitest/vitest.mjs'), ...vitestArgs, ...files]
  // Loopback is up on every machine; a fresh namespace starts with it down.
  const script = 'mount --make-rprivate / && mount -t sysfs sysfs /sys && ip link set lo up && exec "$@"'
  const argv = isolated ? ['unshare', '-n', '-m', 'sh', '-c', script, 'sh', ...command] : command
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), { cwd: testDir, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (data) => (output += data))
    child.stderr.on('data', (data) => (output += data))
    child.on('close', (code) => resolve(counts({ report, code, output, files })))
  })
}

function counts({ report, code, output, files }) {
  let passed = 0
  let failed = 0
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites, success } = JSON.parse(
      readFileSync(report, 'utf8'),
    )
    passed = numPassedTests
    failed = Math.max(
      numFailedTests,
      success && code === 0 ? 0 : 1,
      numFailedTests === 0 ? numFailedTestSuites : 0,
    )
  } catch {
    failed = 1
  }
  const title = files.length === 1 ? relative('.', files[0]) : `${files.length} files`
  console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${title}: ${passed} passed, ${failed} failed`)
  if (failed > 0) console.log(output)
  return { passed, failed }
}

const unit = testFiles('unit')
const isolated = [...testFiles('kernel'), ...testFiles('e2e')]
const totals = { passed: 0, failed: 0 }
const add = ({ passed, failed }) => {
  totals.passed += passed
  totals.failed += failed
}
if (unit.length > 0) add(await vitest(unit, { isolated: false }))
async function worker() {
  for (let file = isolated.shift(); file !== undefined; file = isolated.shift()) {
    add(await vitest([file], { isolated: true }))
  }
}
await Promise.all(Array.from({ length: concurrency }, worker))
rmSync(reports, { recursive: true, force: true })
console.log(`${totals.passed} passed, ${totals.failed} failed`)
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1
