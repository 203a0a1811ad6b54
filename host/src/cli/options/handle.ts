// A container's handle on the command line. The runtime's socket takes others too, so the host cannot tell a slip there.
import { faultOfForm, forms } from '@conet/sdk/forms'
import { InvalidArgumentError } from 'commander'

export function parseHandle(text: string): string {
  const fault = faultOfForm(text, forms.handle)
  if (fault === undefined) return text
  throw new InvalidArgumentError(`A handle ${fault}.`)
}

/** For one of several names: those that are handles are dealt with. Throws `invalidArgument`. */
export async function assertHandle(text: string): Promise<void> {
  const fault = faultOfForm(text, forms.handle)
  if (fault === undefined) return
  const { ConetError } = await import('@conet/sdk/client')
  throw new ConetError('invalidArgument', `container ${JSON.stringify(text)}: A handle ${fault}`)
}
