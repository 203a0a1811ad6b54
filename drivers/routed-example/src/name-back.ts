// The container's interface where somebody in the container has renamed it or moved it away.
import { ConetError } from '@conet/sdk'
import * as linux from '@conet/sdk/linux'

/**
 * Gives it its name back, if it is sure which it is: the other end of `end`, with the MAC of before. Throws
 * `failedPrecondition` otherwise.
 */
export function nameBack(
  inside: linux.Rtnl,
  end: linux.Link,
  { name, macAddress }: { name: string; macAddress: string },
): void {
  const link = inside
    .links({ kind: 'veth' })
    .find((one) => one.index === end.parent && one.parent === end.index && one.macAddress === macAddress)
  if (link === undefined) throw lost(name)
  try {
    inside.run(linux.setLink(link.index, { name }))
  } catch (error) {
    // Before 6.2 the kernel renames only what is down. It is brought up with its settings.
    if (!linux.KernelError.is(error, 'EBUSY')) throw error
    inside.run(linux.setLink(link.index, { up: false }))
    inside.run(linux.setLink(link.index, { name }))
  }
}

function lost(name: string): ConetError {
  const what = 'somebody has moved it to another network namespace, or renamed it and changed its MAC'
  const doing = 'unplug all endpoints that are behind it, and plug them again'
  return new ConetError(
    'failedPrecondition',
    `the interface ${name} is not in the container: ${what}; ${doing}`,
    {
      help: doing,
    },
  )
}
