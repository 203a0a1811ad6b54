// The loopback of a sandbox, which a new namespace has down.
import { type Namespace, openSandbox, Rtnl, setLink } from '@conet/sdk/linux'
import { isSandboxGone } from './sandbox-gone.ts'

/** Answers the names of the other interfaces. */
export function startLoopback(namespace: Namespace): string[] {
  using rtnl = Rtnl.openIn(namespace)
  rtnl.run(setLink('lo', { up: true }))
  return rtnl.links().flatMap(({ name }) => (name === 'lo' ? [] : [name]))
}

/** Somebody in the container has set it down. Of a sandbox that is gone it is not. */
export function isLoopbackDown(path: string): boolean {
  try {
    using namespace = openSandbox(path)
    using rtnl = Rtnl.openIn(namespace)
    return rtnl.link('lo')?.isUp === false
  } catch (error) {
    if (isSandboxGone(error)) return false
    throw error
  }
}

/** Sets it up again. Throws as `openSandbox`, or a KernelError. */
export function restartLoopback(path: string): void {
  using namespace = openSandbox(path)
  startLoopback(namespace)
}
