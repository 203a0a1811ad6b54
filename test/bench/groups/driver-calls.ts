// One call to a driver and back, and 64 at once, against rivals: a bare line of JSON, stock vscode-jsonrpc, and Docker's
// plugin protocol. The other side of each is a process of its own, and stands where the others stand (processors.ts).
import { Rollback } from '@conet/sdk'
import { interleave, type Side } from '../interleave.ts'
import { type PeerProcess, startNullDriver, startRival } from '../peer-process.ts'
import { confine, processors } from '../processors.ts'
import { timed } from '../samples.ts'
import { type Caller, dockerCaller, newlineCaller, sessionCaller, stockCaller } from '../turns/callers.ts'
import { type Group, type Run, wantsAny, workplace } from './group.ts'

const rounds = 60
/** Some thousand calls, until V8 has compiled what a daemon in service has compiled. */
const warmUps = 200
/** One after the other in a round; the first few of a side still meet the caches of the other. */
const inARow = 25
const atOnce = 64
const inFlight = 2_000

/** Before anything is confined. */
const everyProcessor = processors()

const togetherRows = ['line-call', 'driver-call']
const apartRows = ['line-call-apart', 'driver-call-apart']
const manyRows = ['stock-calls-64', 'docker-calls-64', 'driver-calls-64', 'driver-calls-http']

/** What calls, and the process that is called. */
type Pair = { readonly caller: Caller; readonly peer: PeerProcess }
type Open = (socketPath: string) => Caller | Promise<Caller>

export const driverCalls: Group = {
  rows: [...togetherRows, ...apartRows, ...manyRows],
  async measure(run) {
    await using place = await workplace()
    await using undo = new Rollback()
    undo.defer('run anywhere again', async () => confine(process.pid, everyProcessor))
    const start = async (peer: PeerProcess, open: Open): Promise<Pair> => {
      undo.defer('stop the other side', async () => peer[Symbol.asyncDispose]())
      const caller = await open(peer.socketPath)
      undo.defer('hang up', async () => caller[Symbol.asyncDispose]())
      return { caller, peer }
    }
    const session = await start(await startNullDriver(place.directory), sessionCaller)
    const rival = async (name: string, open: Open) => start(await startRival(place.directory, name), open)
    if (wantsAny(run, ...togetherRows, ...apartRows))
      await measureOne(run, session, await rival('newline-json', newlineCaller))
    if (wantsAny(run, ...manyRows)) {
      const stock = await rival('vscode-jsonrpc', stockCaller)
      const docker = await rival('docker-plugin', (socketPath) => dockerCaller(socketPath, atOnce))
      await measureMany(run, { session, stock, docker })
    }
  },
}

async function measureOne(run: Run, session: Pair, line: Pair): Promise<void> {
  const { signal, progress } = run
  const measure = async (rows: readonly string[], title: string) => {
    const [lineRow = '', driverRow = ''] = rows
    const sides = [oneByOne(lineRow, line.caller), oneByOne(driverRow, session.caller)]
    await interleave(sides, run.samples, { rounds, signal, progress, title })
  }
  if (wantsAny(run, ...togetherRows)) {
    putTogether([session, line])
    await measure(togetherRows, 'driver calls on one processor')
  }
  if (!wantsAny(run, ...apartRows)) return
  if (putApart([session, line])) await measure(apartRows, 'driver calls between two processors')
  else for (const row of apartRows) run.absent.set(row, 'there is one processor only')
}

/** Wherever the kernel puts them: all are busy the whole time, so it finds each a processor. */
async function measureMany(
  run: Run,
  { session, stock, docker }: { session: Pair; stock: Pair; docker: Pair },
): Promise<void> {
  const { signal, progress } = run
  for (const pid of [process.pid, ...[session, stock, docker].map(({ peer }) => peer.pid)])
    confine(pid, everyProcessor)
  const sides = [
    manyAtOnce(['stock-calls-64'], stock.caller),
    manyAtOnce(['docker-calls-64'], docker.caller),
    manyAtOnce(['driver-calls-64', 'driver-calls-http'], session.caller),
  ]
  await interleave(sides, run.samples, { rounds: 15, signal, progress, title: 'driver calls, 64 in flight' })
}

function putTogether(pairs: readonly Pair[]): void {
  const last = everyProcessor.slice(-1)
  for (const pid of [process.pid, ...pairs.map(({ peer }) => peer.pid)]) confine(pid, last)
}

function putApart(pairs: readonly Pair[]): boolean {
  const [first, second] = everyProcessor
  if (first === undefined || second === undefined) return false
  confine(process.pid, [first])
  for (const { peer } of pairs) confine(peer.pid, [second])
  return true
}

function oneByOne(row: string, caller: Caller): Side {
  return {
    warmUps,
    async round() {
      const measured: [string, number][] = []
      for (let count = 0; count < inARow; count++) measured.push([row, await timed(() => caller.call())])
      return measured
    },
  }
}

/** Calls a second; as soon as one has its answer the next is sent. */
function manyAtOnce(rows: readonly string[], caller: Caller): Side {
  return {
    warmUps: 3,
    async round() {
      let left = inFlight
      const keepCalling = async () => {
        while (left-- > 0) await caller.call()
      }
      const ms = await timed(() => Promise.all(Array.from({ length: atOnce }, keepCalling)))
      return rows.map((row) => [row, (inFlight * 1_000) / ms])
    },
  }
}
