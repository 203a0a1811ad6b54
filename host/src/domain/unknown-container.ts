// What a request is told whose container nobody knows.
import { ConetError } from '@conet/sdk'
import { forms } from '@conet/sdk/forms'

const chosenByClients = new RegExp(forms.handle.pattern)

/** Handles of runtimes may be such that no client can define them. */
export function mayBeCreated(handle: string): boolean {
  return chosenByClients.test(handle)
}

export function unknownContainer(handle: string): ConetError {
  const how = mayBeCreated(handle)
    ? `a new one: conet container create ${handle}`
    : 'one with this handle is made by its runtime alone'
  return new ConetError('notFound', `no container has the handle ${handle}`, {
    details: { container: handle },
    help: `conet container list shows those that are there; ${how}`,
  })
}
