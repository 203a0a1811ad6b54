// What runtimes' programs ask of conetd, and how patient they are.
import { statSync } from 'node:fs'
import { type Answer, exchange, NoAnswer } from './exchange.ts'

/** conetd bounds what it does for a container by the deadlines of its drivers' calls; this bounds conetd. */
const callTimeoutMs = 330_000
/** Then the container is gone for its runtime anyway, and conetd finishes by itself. */
const downTimeoutMs = 60_000
/** For one that is being started again. */
const awayPatienceMs = 800
const betweenTriesMs = 100

/** conetd answered, and said no. The message is for people. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

type Asked = { readonly socket: string; readonly path: string; readonly body: unknown }

/** The answer's document. Throws Refusal or NoAnswer; when conetd is away it does so within two seconds. */
export async function ask({ socket, path, body }: Asked): Promise<unknown> {
  const whole = { socketPath: socket, path, body, timeoutMs: callTimeoutMs }
  const end = performance.now() + awayPatienceMs
  for (;;) {
    try {
      return documentOf(await exchange(whole))
    } catch (error) {
      if (!(error instanceof NoAnswer && error.isAway) || performance.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, betweenTriesMs))
    }
  }
}

/**
 * `queued`: conetd is away or did not answer, and does it when it is back, before anything else for this handle. It may
 * have come back between the call and the word that was left, so it is called once more.
 */
export async function takeDown(socket: string, handle: string): Promise<'done' | 'queued'> {
  const path = `/internal/containers/${encodeURIComponent(handle)}/down`
  const whole = { socketPath: socket, path, body: {}, timeoutMs: downTimeoutMs }
  for (let isQueued = false; ; isQueued = true) {
    try {
      documentOf(await exchange(whole))
      return 'done'
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (isQueued) return 'queued'
      // Loaded only here: the way without it is the one that is gone each time.
      const { queueDown } = await import('./spool.ts')
      queueDown(socket, handle)
    }
  }
}

function documentOf({ status, document }: Answer): unknown {
  if (status >= 200 && status < 300) return document
  throw new Refusal(reasonOf(document) ?? `conetd answered with status ${status} and no reason`)
}

/** Of conet's own problem documents, and of Garden's errors. */
function reasonOf(document: unknown): string | undefined {
  if (typeof document !== 'object' || document === null) return undefined
  if ('Message' in document && typeof document.Message === 'string') return document.Message
  if (!('detail' in document) || typeof document.detail !== 'string') return undefined
  const help = 'help' in document && typeof document.help === 'string' ? `\n${document.help}` : ''
  return document.detail + help
}

/**
 * The identity of a process's network namespace: it says which is meant also to a conetd that numbers processes
 * otherwise. Undefined: there is no such process, which conetd then says in its own words.
 */
export function namespaceOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    // No such process, or one that may not be looked at.
    return undefined
  }
}
