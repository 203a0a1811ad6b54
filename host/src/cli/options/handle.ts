// A container's handle on the command line. A runtime may choose handles that clients may not: those go to its socket.
import type { CallOptions } from '@conet/sdk/client'
import { faultOfForm, faultOfRuntimeHandle, forms } from '@conet/sdk/forms'
import { InvalidArgumentError } from 'commander'

/** Of a container that is to be: its client chooses the handle. */
export function parseNewHandle(text: string): string {
  return textWithout(faultOfForm(text, forms.handle), text)
}

/** Of a container that somebody else may have named. */
export function parseHandle(text: string): string {
  return textWithout(faultOfRuntimeHandle(text), text)
}

/** For one of several names: those that are handles are dealt with. Throws `invalidArgument`. */
export async function assertHandle(text: string): Promise<void> {
  const fault = faultOfRuntimeHandle(text)
  if (fault === undefined) return
  const { ConetError } = await import('@conet/sdk/client')
  throw new ConetError('invalidArgument', `container ${JSON.stringify(text)}: a handle ${fault}`, {
    fields: [{ path: 'handle', message: fault }],
  })
}

/** A call about that container, on the socket that takes its handle. */
export function callAbout(handle: string, call: CallOptions): CallOptions {
  return faultOfForm(handle, forms.handle) === undefined ? call : { ...call, socket: 'runtime' }
}

function textWithout(fault: string | undefined, text: string): string {
  if (fault === undefined) return text
  throw new InvalidArgumentError(`A handle ${fault}.`)
}
