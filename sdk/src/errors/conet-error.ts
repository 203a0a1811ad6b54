// The one error class that users of conet meet. It knows nothing of sockets, HTTP or the kernel.
import { catalogue, type ErrorKind, type OperationState } from './catalogue.ts'

/** One wrong field: `path` as in the request (`subnets[0].gateway`), and what is wrong with it. */
export type FieldError = { path: string; message: string }

/** What a ConetError can carry besides kind and message. */
export type ConetErrorOptions = {
  cause?: unknown
  /** The fields that are wrong, for `invalidArgument`. */
  fields?: FieldError[]
  /** Facts for programs: ids, errno, what was found. Never secrets. */
  details?: Record<string, unknown>
  /** What is known of the call; the catalogue's default otherwise. */
  operationState?: OperationState
  /** What a person can do about it, one sentence. */
  help?: string
}

/**
 * An expected failure. The message says what was being done to what, then why it failed:
 * `plug endpoint 1f0c…: bridge "cb1f0c" does not exist`. Branch on `kind`, never on the message. Thrown in a driver's
 * function, it reaches the client of the host's API with all that it carries; the kind decides on the HTTP status.
 */
export class ConetError extends Error {
  override readonly name = 'ConetError'
  readonly kind: ErrorKind
  readonly fields: readonly FieldError[]
  readonly details: Readonly<Record<string, unknown>>
  readonly operationState: OperationState
  readonly help: string | undefined

  constructor(kind: ErrorKind, message: string, options: ConetErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.fields = options.fields ?? []
    this.details = options.details ?? {}
    this.operationState = options.operationState ?? catalogue[kind].operationState
    this.help = options.help
  }

  /** The kind's number on the wire. */
  get code(): number {
    return catalogue[this.kind].code
  }

  /** Whether the same call may succeed later without anybody changing its content. */
  get retryable(): boolean {
    return catalogue[this.kind].retryable
  }

  /** Use this, not `instanceof`: two copies of the SDK can meet in one process. */
  static is(value: unknown, kind?: ErrorKind): value is ConetError {
    if (!(value instanceof Error) || value.name !== 'ConetError') return false
    return kind === undefined || ('kind' in value && value.kind === kind)
  }
}
