// A container's handle on the command line. The runtime's socket takes others too, so the host cannot tell a slip there.
import { faultOfForm, forms } from '@conet/sdk/forms'
import { InvalidArgumentError } from 'commander'

export function parseHandle(text: string): string {
  const fault = faultOfForm(text, forms.handle)
  if (fault === undefined) return text
  throw new InvalidArgumentError(`A handle ${fault}.`)
}

/** Collects `down c1 c2`. */
export function collectHandle(text: string, all: readonly string[] = []): string[] {
  return [...all, parseHandle(text)]
}
