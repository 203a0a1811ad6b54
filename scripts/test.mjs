// Runs all tests, or those whose path contains one of the arguments: `npm test -- kernel/link`. With `--long` those below
// test/long, which may take hours and are no part of the others.
// Unit tests share processes. Each file of the other folders runs in a network and mount namespace of its own, so that
// what it does to the kernel ends with it. Where a few fail they run once more, one after the other: on a machine that is
// slow for a moment a wait may run out beside others. Both are shown. Last line: `N passed, N failed`.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { endAllTestProcesses } from '../test/runner/test-process.mjs'
import { TestReport } from '../test/runner/test-report.mjs'
import { runVitest } from '../test/runner/vitest-run.mjs'
import { bundlePrograms } from './bundle.mjs'
import { joinModules } from './joined-modules.mjs'

const testDir = fileURLToPath(new URL('../test', import.meta.url))
const { values, positionals: wanted } = parseArgs({
  options: { long: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const isolatedFolders = values.long ? ['long'] : ['chaos', 'conformance', 'e2e', 'kernel']
// Most programs live for seconds here, and half of their processor's time would be V8's (docs/decisions/0024).
if (!values.long) process.env.CONET_COMPILE_EARLY ??= 'no'
// Node reads them at each of some 1,400 starts, for 0.07 s; nothing here speaks TLS with the world.
delete process.env.NODE_EXTRA_CA_CERTS
const deadlineMs = values.long ? 4 * 3_600_000 : 480_000
/** For two processors: much of a test is waiting. With four, a tenth of their time was nobody's. */
const concurrency = 5
const slowSeconds = 20
/** More is no chance. */
const mostAgain = 5
/** Begun first, so that the end does not wait for one that started last. */
const longest = [
  'conformance/bundled-drivers',
  'chaos/conetd-failpoints',
  'conformance/zoo',
  'e2e/packed-sdk',
  'chaos/many-plugs',
  'e2e/demo',
  'chaos/driver-failpoints',
  'e2e/cluster/nodes',
  'e2e/cluster/store-access',
  'chaos/host-survives-zoo',
  'e2e/cluster/etcd-hanging',
  'e2e/hot-upgrade',
  'e2e/weave-example',
  'e2e/cluster/fenced-return',
  'chaos/conetd-failpoints-at-start',
  'e2e/guardian',
  'e2e/readme-driver',
  'e2e/cluster/store-replaced',
  'chaos/driver-trouble',
  'e2e/cluster/store-away',
  'chaos/spawned-drivers',
  'kernel/vxlan/repair',
  'e2e/daemon',
  'chaos/host-interfaces',
  'chaos/policies',
  'e2e/bad-input-conetd',
  'kernel/bridge/crash',
  'e2e/oci-hook',
  'chaos/spawn-failpoints',
  'e2e/cluster/three-hosts',
  'e2e/cluster/hosts',
  'conformance/command-line',
  'e2e/cluster/default-policy',
  'e2e/cli',
  'conformance/kernel-zoo',
  'e2e/bad-input-cli',
  'e2e/routed-example',
  'e2e/cluster/claims-after-loss',
  'e2e/guardian-without-conetd',
].map((title) => `${title}.test.ts`)

function testFiles(folder) {
  if (!existsSync(join(testDir, folder))) return []
  return readdirSync(join(testDir, folder), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)))
    .sort()
}

function longestFirst(files) {
  return [
    ...longest.filter((file) => files.includes(file)),
    ...files.filter((file) => !longest.includes(file)),
  ]
}

bundlePrograms()
process.env.CONET_TEST_JOINED = joinModules()
const report = new TestReport({ root: testDir, slowSeconds })
// Vitest would end at once, with its processes left behind.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    endAllTestProcesses()
    tellTotals({ ...report.totals, failed: report.totals.failed + 1 })
    process.exit()
  })
}
const isolated = longestFirst(isolatedFolders.flatMap(testFiles))
const shared = values.long ? [] : testFiles('unit')
await runVitest({ isolated, shared, testDir, report, deadlineMs, concurrency })
const failed = report.failed
if (failed.length > 0 && failed.length <= mostAgain) await runAgain(failed)
tellTotals(report.totals)

async function runAgain(files) {
  console.log(`once more, alone: ${files.join(', ')}`)
  const among = (all) => all.filter((file) => files.includes(file))
  const again = { isolated: among(isolated), shared: among(shared) }
  await runVitest({ ...again, testDir, report, deadlineMs, concurrency: 1 })
  const mended = files.filter((file) => !report.failed.includes(file))
  if (mended.length > 0) console.log(`failed beside others (above), passed alone: ${mended.join(', ')}`)
}

function tellTotals({ passed, failed }) {
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1
}
