// Everything that is wrong with a request in one answer: a client that mends one field does not hear of the next only then.
import { ConetError, type ErrorKind } from '@conet/sdk'

/** Not the request's faults: the next check would meet the same, and wait for it as long. */
const ends: readonly ErrorKind[] = ['deadlineExceeded', 'driverUnavailable', 'cancelled']

export class RequestFaults {
  readonly #found: ConetError[] = []

  get any(): boolean {
    return this.#found.length > 0
  }

  /** What `check` answers, or undefined when it refuses. What is not the request's fault goes through. */
  of<T>(check: () => T): T | undefined {
    try {
      return check()
    } catch (error) {
      this.#note(error)
      return undefined
    }
  }

  /** As `of`, for a check that waits. */
  async ofLater<T>(check: () => Promise<T>): Promise<T | undefined> {
    try {
      return await check()
    } catch (error) {
      this.#note(error)
      return undefined
    }
  }

  /** To be thrown when there is `any`. Those that name a field say all there is to say about the request. */
  get error(): ConetError {
    const aboutFields = this.#found.filter(({ fields }) => fields.length > 0)
    const told = aboutFields.length > 0 ? aboutFields : this.#found.slice(0, 1)
    const [first, ...others] = told
    if (first === undefined) throw new Error('nothing is wrong with the request')
    return others.length === 0 ? first : joined(told)
  }

  throwIfAny(): void {
    if (this.any) throw this.error
  }

  #note(error: unknown): void {
    if (!ConetError.is(error) || ends.includes(error.kind)) throw error
    this.#found.push(error)
  }
}

function joined(errors: readonly ConetError[]): ConetError {
  const kinds = new Set(errors.map(({ kind }) => kind))
  const [kind = 'invalidArgument'] = kinds.size === 1 ? kinds : []
  const helps = new Set(errors.flatMap(({ help }) => (help === undefined ? [] : [help])))
  return new ConetError(kind, errors.map(textOf).join('; '), {
    cause: new AggregateError(errors),
    fields: errors.flatMap(({ fields }) => fields),
    details: Object.assign({}, ...errors.map(({ details }) => details)),
    operationState: 'not-started',
    ...(helps.size > 0 && { help: [...helps].join('; ') }),
  })
}

/** Among others a text says which field it is about. */
function textOf({ message, fields: [field] }: ConetError): string {
  return field === undefined || message.includes(field.path) ? message : `${field.path}: ${message}`
}
