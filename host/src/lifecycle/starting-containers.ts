import { ConetError } from '@conet/sdk'
import type { Operation } from './host-context.ts'

/** The `up` that runs on each container, so that `down` can abort it. */
export class StartingContainers {
  readonly #controllers = new Map<string, AbortController>()

  async run<T>(handle: string, operation: Operation, work: (abortable: Operation) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const abort = () => controller.abort(operation.signal?.reason)
    if (operation.signal?.aborted) abort()
    operation.signal?.addEventListener('abort', abort, { once: true })
    this.#controllers.set(handle, controller)
    try {
      const { requestKey: _ofTheWhole, ...rest } = operation
      return await work({ ...rest, signal: controller.signal })
    } catch (error) {
      throw withReason(error, controller.signal)
    } finally {
      this.#controllers.delete(handle)
      operation.signal?.removeEventListener('abort', abort)
    }
  }

  abort(handle: string): void {
    this.#controllers
      .get(handle)
      ?.abort(new ConetError('cancelled', `up ${handle}: the container was taken down meanwhile`))
  }
}

/** What was under way says that it was given up; why, says who gave it up. */
function withReason(error: unknown, { reason }: AbortSignal): unknown {
  if (error === reason || !ConetError.is(error, 'cancelled') || !ConetError.is(reason, 'cancelled'))
    return error
  const { details, operationState } = error
  return new ConetError('cancelled', reason.message, {
    cause: error,
    details: { ...details },
    operationState,
  })
}
