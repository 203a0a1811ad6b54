// Puts the container's resolv.conf and hosts over those of its root file system, in its own mount namespace: the hook
// runs when that is there and the root is not switched yet, so that both sides have paths.
import { closeSync, existsSync, lstatSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { ResolverFilesView } from '@conet/sdk/client'
import { bindInMountNamespace } from '@conet/sdk/linux'

/** A root without the directory /etc, or whose /etc is a link, has no place for them: it is left as it is. */
export function bindResolverFiles(
  { resolv_conf: resolvConf, hosts }: ResolverFilesView,
  { pid, root }: { pid: number; root: string },
): void {
  const etc = join(root, 'etc')
  const wanted = [
    { source: hosts, target: join(etc, 'hosts') },
    ...(resolvConf === undefined ? [] : [{ source: resolvConf, target: join(etc, 'resolv.conf') }]),
  ]
  bindInMountNamespace(`/proc/${pid}/ns/mnt`, {
    prepare: () => (isPlainDirectory(etc) ? wanted.filter(({ target }) => isReady(target)) : []),
  })
}

function isPlainDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** A link could lead out of the container's root, so nothing is bound over one. A missing file is made. */
function isReady(target: string): boolean {
  const found = lstatSync(target, { throwIfNoEntry: false })
  if (found !== undefined) return found.isFile()
  closeSync(openSync(target, 'wx', 0o644))
  return existsSync(target)
}
