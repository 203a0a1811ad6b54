// What a request is told whose container nobody knows.
import { ConetError } from '@conet/sdk'
import { forms } from '@conet/sdk/forms'

const chosenByClients = new RegExp(forms.handle.pattern)

/** Handles of runtimes may be such that no client can define them. */
export function unknownContainer(handle: string): ConetError {
  const help = chosenByClients.test(handle)
    ? { help: `conet container list shows those that are there; a new one: conet container create ${handle}` }
    : undefined
  return new ConetError('notFound', `no container has the handle ${handle}`, {
    details: { container: handle },
    ...help,
  })
}
