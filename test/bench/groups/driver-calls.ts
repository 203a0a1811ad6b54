// One call to a driver and back, and 64 at once, against rivals: a bare line of JSON, stock vscode-jsonrpc, and Docker's
// plugin protocol. The other side of each is a process of its own.
import { Rollback } from '@conet/sdk'
import { interleave, type Side } from '../interleave.ts'
import { type PeerProcess, startNullDriver, startRival } from '../peer-process.ts'
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

const oneRows = ['line-call', 'driver-call']
const manyRows = ['stock-calls-64', 'docker-calls-64', 'driver-calls-64', 'driver-calls-http']

export const driverCalls: Group = {
  rows: [...oneRows, ...manyRows],
  async measure(run) {
    await using place = await workplace()
    await using undo = new Rollback()
    const { signal, progress } = run
    const start = async (peer: PeerProcess, open: (socketPath: string) => Caller | Promise<Caller>) => {
      undo.defer('stop the other side', async () => peer[Symbol.asyncDispose]())
      const caller = await open(peer.socketPath)
      undo.defer('hang up', async () => caller[Symbol.asyncDispose]())
      return caller
    }
    const session = await start(await startNullDriver(place.directory), sessionCaller)
    const rival = (name: string, open: Parameters<typeof start>[1]) =>
      startRival(place.directory, name).then((peer) => start(peer, open))
    if (wantsAny(run, ...oneRows)) {
      const sides = [
        oneByOne('line-call', await rival('newline-json', newlineCaller)),
        oneByOne('driver-call', session),
      ]
      await interleave(sides, run.samples, { rounds, signal, progress, title: 'driver calls' })
    }
    if (wantsAny(run, ...manyRows)) await measureMany(run, session, rival)
  },
}

async function measureMany(
  run: Run,
  session: Caller,
  rival: (name: string, open: (socketPath: string) => Caller | Promise<Caller>) => Promise<Caller>,
): Promise<void> {
  const { signal, progress } = run
  const docker = await rival('docker-plugin', (socketPath) => dockerCaller(socketPath, atOnce))
  const sides = [
    manyAtOnce(['stock-calls-64'], await rival('vscode-jsonrpc', stockCaller)),
    manyAtOnce(['docker-calls-64'], docker),
    manyAtOnce(['driver-calls-64', 'driver-calls-http'], session),
  ]
  await interleave(sides, run.samples, { rounds: 15, signal, progress, title: 'driver calls, 64 in flight' })
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
