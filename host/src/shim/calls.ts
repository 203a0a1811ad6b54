// What runtimes' programs ask of conetd, and how patient they are.
import { statSync } from 'node:fs'
import { type Answer, exchange, NoAnswer } from './exchange.ts'
import { isTooLong } from './handle.ts'

/** For handing over the word that an entry in the spool waits: nobody waits for what conetd does then. */
const reminderTimeoutMs = 1_000
/** For one that is being started again. */
const awayPatienceMs = 800
const betweenTriesMs = 100

/** conetd answered, and said no. The message is for people. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  /** Paths in the request. */
  readonly fields: readonly string[]

  constructor(message: string, fields: readonly string[]) {
    super(message)
    this.fields = fields
  }
}

/** The runtime socket of conetd, and for how long its answer is waited for. */
export type Conetd = { readonly socket: string; readonly timeoutMs: number }

type Asked = Conetd & { readonly path: string; readonly body: unknown }

/**
 * The answer's document. Throws Refusal or NoAnswer; when conetd is away it does so within two seconds. Whoever gives up
 * hangs up, and conetd takes back an `up` whose client has gone.
 */
export async function ask({ socket, timeoutMs, path, body }: Asked): Promise<unknown> {
  const whole = { socketPath: socket, path, body, timeoutMs }
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
export async function takeDown({ socket, timeoutMs }: Conetd, handle: string): Promise<'done' | 'queued'> {
  // Such a container cannot have been up, and its runtime would try again for ever.
  if (isTooLong(handle)) return 'done'
  const path = `/internal/containers/${encodeURIComponent(handle)}/down`
  for (let isQueued = false; ; isQueued = true) {
    const patienceMs = isQueued ? Math.min(reminderTimeoutMs, timeoutMs) : timeoutMs
    try {
      documentOf(await exchange({ socketPath: socket, path, body: {}, timeoutMs: patienceMs }))
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
  const reason = reasonOf(document) ?? `conetd answered with status ${status} and no reason`
  throw new Refusal(reason, fieldsOf(document))
}

/** Of conet's own problem documents, and of Garden's errors. */
function reasonOf(document: unknown): string | undefined {
  if (typeof document !== 'object' || document === null) return undefined
  if ('Message' in document && typeof document.Message === 'string') return document.Message
  if (!('detail' in document) || typeof document.detail !== 'string') return undefined
  const help = 'help' in document && typeof document.help === 'string' ? `\n${document.help}` : ''
  return document.detail + help
}

function fieldsOf(document: unknown): string[] {
  const isProblem = typeof document === 'object' && document !== null && 'fields' in document
  if (!isProblem || !Array.isArray(document.fields)) return []
  return document.fields.flatMap((field: unknown) =>
    typeof field === 'object' && field !== null && 'path' in field && typeof field.path === 'string'
      ? [field.path]
      : [],
  )
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
