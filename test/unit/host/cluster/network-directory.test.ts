import { NetworkDirectory } from '@conet/host/cluster/network-directory'
import { ConetError } from '@conet/sdk'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { MemoryStore } from '../../../support/memory-store.ts'

let end: AbortController
beforeEach(() => {
  end = new AbortController()
})
afterEach(() => end.abort())

type Failing = { assureWhole?: () => Promise<void>; gone?: () => void }

/** A directory that is followed, of networks of which none is in the store. */
async function scene({ assureWhole = async () => undefined, gone = () => undefined }: Failing) {
  const store = new MemoryStore()
  const logged: { msg: string; err: { message: string } }[] = []
  const directory = new NetworkDirectory({
    store,
    assureWhole,
    lost: () => undefined,
    changed: () => undefined,
    listener: () => ({ networkSeen: () => undefined, networksKnown: () => undefined, networkGone: gone }),
    signal: end.signal,
    log: pino({}, { write: (line) => logged.push(JSON.parse(line)) }),
  })
  void directory.follow()
  await eventually(() => directory.isCurrent)
  return { directory, logged }
}

it('what goes wrong where somebody is told that a network is gone is in the log', async () => {
  const { directory, logged } = await scene({
    gone: () => {
      throw new TypeError('a bug')
    },
  })
  directory.tellIfGone('blue')
  await eventually(() => expect(logged).toMatchObject([{ err: { message: 'a bug' } }]))
})

it('a store that is away, or a node that stops, says nothing of a network, and is no trouble', async () => {
  const gone: string[] = []
  const listing = undefined
  const failures = [listing, new ConetError('clusterUnavailable', 'it is away'), new Error('the node stops')]
  const { directory, logged } = await scene({
    gone: () => gone.push('gone'),
    assureWhole: async () => {
      const failure = failures.shift()
      if (failure !== undefined) throw failure
    },
  })
  directory.tellIfGone('blue')
  end.abort()
  directory.tellIfGone('blue')
  await new Promise((resolve) => setImmediate(resolve))
  expect([failures, gone, logged]).toEqual([[], [], []])
})
