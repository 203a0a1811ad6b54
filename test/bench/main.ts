// The bench: measures, prints the table or JSON. Must run in network and mount namespaces of its own
// (scripts/bench.mjs sees to that). The client is this process; conetd and its drivers are processes of their own.
import { availableParallelism, loadavg } from 'node:os'
import { inspect, parseArgs } from 'node:util'
import { selectRows, UnknownRow } from './catalogue.ts'
import { brokenNeighbours } from './groups/broken-neighbours.ts'
import { bursts } from './groups/bursts.ts'
import { driverCalls } from './groups/driver-calls.ts'
import { driverSync } from './groups/driver-sync.ts'
import { type Run, wantsAny } from './groups/group.ts'
import { oneAtATime } from './groups/one-at-a-time.ts'
import { overlay } from './groups/overlay.ts'
import { overlayPeers } from './groups/overlay-peers.ts'
import { policies } from './groups/policies.ts'
import { policyRules } from './groups/policy-rules.ts'
import { scale } from './groups/scale.ts'
import { startUp } from './groups/start-up.ts'
import { progressLine } from './progress.ts'
import { formatTable, makeRows } from './report.ts'

const usage = `usage: npm run bench -- [--json] [--only ROW]... [--strict]
  --json     print the rows as JSON, and nothing else on stdout
  --only     measure this row (and the one it is compared with); may be repeated
  --strict   exit 1 when a goal is missed`

const groups = [
  oneAtATime,
  bursts,
  scale,
  policies,
  policyRules,
  driverCalls,
  driverSync,
  brokenNeighbours,
  overlay,
  overlayPeers,
  startUp,
]

async function main(): Promise<number> {
  const { json, only, strict, help } = options()
  if (help) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  const wanted = selectRows(only)
  warnOfLoad()
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal))
  const progress = progressLine(process.stderr)
  const run: Run = {
    wanted,
    samples: new Map(),
    absent: new Map(),
    signal: stop.signal,
    progress: progress.show,
  }
  const failures = await measureGroups(run).finally(progress.clear)
  const rows = makeRows(run.samples, run.absent).filter(({ name }) => wanted.has(name))
  process.stdout.write(json ? `${JSON.stringify({ rows })}\n` : `${formatTable(rows)}\n`)
  for (const failure of failures) process.stderr.write(`bench: ${inspect(failure)}\n`)
  return failures.length > 0 || (strict && rows.some(({ holds }) => holds === false)) ? 1 : 0
}

/** What one group cannot measure is no reason to lose the minutes of the others. Resolves to what failed. */
async function measureGroups(run: Run): Promise<unknown[]> {
  const failures: unknown[] = []
  for (const group of groups) {
    if (!wantsAny(run, ...group.rows)) continue
    try {
      await group.measure(run)
    } catch (error) {
      if (run.signal.aborted) throw error
      failures.push(error)
      const rows = group.rows.filter((row) => !run.samples.has(row))
      for (const row of rows) run.absent.set(row, 'its group failed')
    }
  }
  return failures
}

/** conet's rows need three processors for a moment where the floor needs one: on a busy machine they look worse. */
function warnOfLoad(): void {
  const [load = 0] = loadavg()
  const processors = availableParallelism()
  if (load < processors / 2) return
  process.stderr.write(`bench: the machine is busy: load ${load.toFixed(1)} on ${processors} processors\n`)
}

function options() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  return values
}

try {
  process.exitCode = await main()
} catch (error) {
  if (error === 'SIGINT' || error === 'SIGTERM') {
    process.stderr.write(`bench: ended by ${error}\n`)
    process.exitCode = 130
  } else if (error instanceof UnknownRow || isUsageError(error)) {
    process.stderr.write(`bench: ${error.message}\n${usage}\n`)
    process.exitCode = 2
  } else {
    process.stderr.write('bench: ')
    console.error(error)
    process.exitCode = 1
  }
}

function isUsageError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('ERR_PARSE_ARGS')
  )
}
