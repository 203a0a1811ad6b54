// One watch on a prefix, on a stream of its own. The client's own watchers go on after a lost stream and tell of it in
// passing; here every end is an end, so that nobody builds on a gap.
import { ConetError } from '@conet/sdk'
import { InterceptingCall, type Interceptor } from '@grpc/grpc-js'
import type { IDuplexStream, IEvent, IWatchRequest, IWatchResponse } from 'etcd3'
import { askedWords, type Connected, rangeOf } from './etcd-requests.ts'
import type { WatchedChange, Watching } from './shared-store.ts'

type Stream = IDuplexStream<IWatchRequest, IWatchResponse>

/** A member without a leader ends the watch: else one that is cut off from the others would be silent for as long. */
const askForLeader: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start(metadata, listener, next) {
      metadata.set('hasleader', 'true')
      next(metadata, listener)
    },
  })

export async function watchPrefix(
  { client, failure }: Connected,
  prefix: string,
  { after, signal, changed }: Watching,
): Promise<void> {
  const what = { verb: 'watch', key: prefix } as const
  try {
    const stream = await client.watchClient.watch({ interceptors: [askForLeader] })
    const isOver = over(stream, prefix, { signal, changed })
    stream.write({ create_request: { ...rangeOf(prefix), start_revision: after + 1, fragment: true } })
    await isOver
  } catch (error) {
    throw await failure(what, error)
  }
}

function over(
  stream: Stream,
  prefix: string,
  { signal, changed }: Pick<Watching, 'signal' | 'changed'>,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', stop)
      settle()
      // Not from within what the connection has just received: Node's HTTP/2 may then send for ever (nodejs/node#64113).
      setImmediate(() => stream.cancel())
    }
    const stop = () => end(resolve)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    const whole = joinFragments(changed)
    stream
      .on('data', (answer) => {
        if (answer.canceled) end(() => reject(refusal(prefix, answer)))
        else if (!signal.aborted) whole(answer)
      })
      // An abort has cancelled the stream, which then reports that: nobody listens any more.
      .on('error', (error) => end(() => reject(error)))
      .on('end', () => end(() => reject(new Error('etcd ended the watch'))))
  })
}

/** Compaction comes as a cancel: what was asked for is not kept any more. Else etcd says in words only why. */
function refusal(
  prefix: string,
  { compact_revision: compacted, cancel_reason: reason }: IWatchResponse,
): ConetError {
  const isCompacted = Number(compacted) > 0
  return new ConetError(
    'clusterUnavailable',
    `${askedWords({ verb: 'watch', key: prefix })}: etcd gave the watch up: ${reason || 'compacted'}`,
    {
      details: { key: prefix, compactedRevision: Number(compacted) },
      help: isCompacted
        ? 'nothing: all is read anew'
        : 'an etcd that asks for passwords wants --cluster-user, and a role of that user that may read and write there: etcdctl role grant-permission ROLE --prefix=true readwrite /conet/v1/',
    },
  )
}

/** A transaction may come in pieces; it is handed on when it is whole. */
function joinFragments(changed: Watching['changed']): (answer: IWatchResponse) => void {
  let pieces: WatchedChange[] = []
  return ({ events, fragment }) => {
    pieces.push(...events.map(changeOf))
    if (fragment || pieces.length === 0) return
    changed(pieces)
    pieces = []
  }
}

function changeOf({ type, kv }: IEvent): WatchedChange {
  const change = { key: kv.key.toString(), revision: Number(kv.mod_revision) }
  return type === 'Delete' ? change : { ...change, value: kv.value.toString() }
}
