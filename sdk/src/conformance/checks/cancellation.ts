// Calls that the host gives up: by a cancel, or because their time is over.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Network } from '../../protocol/index.ts'
import type { CheckContext } from '../context/check-context.ts'
import type { KitHost, Reply } from '../wire/kit-host.ts'
import type { ActiveCheck } from './check.ts'
import { listedNetworks } from './listed.ts'
import { expect } from './verdicts.ts'

const cancelled = 1202
const deadlineExceeded = 1201
/** After so many milliseconds a call is given up: in the queue, in the middle, at its end. */
const momentsMs = [0, 1, 2, 4, 8]

export const cancellationChecks: readonly ActiveCheck[] = [
  {
    id: 'cancel.nothing',
    title: 'a cancel of nothing that is under way, or of no id at all, is ignored',
    level: 'core',
    rules: ['CANC-2'],
    sends: '$/cancelRequest for a ping that was answered, an unknown id, no id, null and an object',
    why: 'A cancel and the answer cross on the wire all the time.',
    mend: 'Look the id up, and do nothing when it is not there.',
    async run(kit) {
      using host = await kit.connect()
      const { id, reply } = host.start('driver/ping', {})
      await reply
      host.cancel(id)
      host.cancel('kit-never-sent')
      host.notify('$/cancelRequest', {})
      host.notify('$/cancelRequest', { id: null })
      host.notify('$/cancelRequest', { id: { nested: true } })
      await host.call('driver/ping', {})
    },
  },
  {
    id: 'cancel.answered',
    title: 'a call that is cancelled at once is still answered, with its result or with 1202',
    level: 'core',
    rules: ['CANC-1'],
    sends: 'network/create and $/cancelRequest right behind it',
    why: 'The host waits for the answer to know what holds now.',
    mend: 'Answer on the path of cancellation, too.',
    async run(kit) {
      using host = await kit.connect()
      const network = kit.objects.network()
      const { id, reply } = host.start('network/create', { network })
      host.cancel(id)
      expectEnded(await reply, cancelled)
    },
  },
  {
    id: 'cancel.consistent',
    title: 'what a cancelled call says of what was done is true',
    level: 'robust',
    rules: ['ERR-3', 'DL-3', 'CANC-1'],
    sends: 'twenty network/create, a $/cancelRequest 0 to 8 ms behind each, then network/list',
    why: 'The host leaves alone what was not started, and removes what may be there.',
    mend: 'Say not-started only if nothing was done or all of it is undone.',
    async run(kit) {
      using host = await kit.connect()
      const networks = Array.from({ length: 20 }, () => kit.objects.network())
      const replies: Reply[] = []
      for (const [time, network] of networks.entries()) {
        const { reply } = await cancelledCreate(host, network, time)
        replies.push(await reply)
      }
      await settle(kit, host)
      const listed = await listedNetworks(host)
      for (const [index, reply] of replies.entries()) {
        const isListed = listed.includes(networks[index]?.id ?? '')
        expectTruth(reply, isListed)
      }
    },
  },
  {
    id: 'cancel.next-call',
    title: 'after a cancelled create the same network can be created and deleted',
    level: 'robust',
    rules: ['DL-3', 'IDEM-1'],
    sends: 'ten times: network/create, $/cancelRequest, the same network/create, network/delete',
    why: 'The host repairs an unknown outcome by asking again, and must not meet the rest of the old call.',
    mend: 'Let the next call on the object wait until the work that was given up has ended.',
    async run(kit) {
      using host = await kit.connect()
      const network = kit.objects.network()
      for (let time = 0; time < 10; time += 1) {
        const { reply } = await cancelledCreate(host, network, time)
        await host.call('network/create', { network })
        await reply
        await host.call('network/delete', { networkId: network.id })
      }
    },
  },
  {
    id: 'deadline.tiny',
    title: 'a call with one millisecond is answered, with its result or with 1201, and harms no later call',
    level: 'robust',
    rules: ['DL-1', 'DL-3'],
    sends: 'network/create with timeoutMs: 1, ten times; then with time enough',
    why: 'Time that was spent in queues is gone when the call arrives.',
    mend: 'Answer deadlineExceeded when the time is over; finish or undo the work behind it.',
    async run(kit) {
      using host = await kit.connect()
      const network = kit.objects.network()
      const options = { meta: { timeoutMs: 1 }, waitMs: kit.promptMs }
      for (let time = 0; time < 10; time += 1)
        expectEnded(await host.request('network/create', { network }, options), deadlineExceeded)
      await host.call('network/create', { network })
      await host.call('network/delete', { networkId: network.id })
    },
  },
]

/** Resolves when the cancel is sent. */
async function cancelledCreate(
  host: KitHost,
  network: Network,
  time: number,
): Promise<{ readonly reply: Promise<Reply> }> {
  const { id, reply } = host.start('network/create', { network })
  const moment = momentsMs[time % momentsMs.length] ?? 0
  if (moment > 0) await sleep(moment)
  host.cancel(id)
  return { reply }
}

function expectEnded(reply: Reply, code: number): void {
  const isAsked = 'result' in reply || reply.error.code === code
  expect(isAsked, 'the call ended otherwise', { expected: `a result or ${code}`, found: reply })
}

/** `partial` and `unknown` claim nothing. */
function expectTruth(reply: Reply, isListed: boolean): void {
  const says = 'result' in reply ? 'done' : reply.error.data.operationState
  if (says === 'done') expect(isListed, 'the answer says done, and the list does not name it')
  if (says === 'not-started') expect(!isListed, 'the answer says not-started, and the list names it')
}

/** A call behind all others on the connection: what was given up has had its turn. */
async function settle(kit: CheckContext, host: KitHost): Promise<void> {
  const network = await kit.createNetwork(host)
  await host.call('network/delete', { networkId: network.id })
}
