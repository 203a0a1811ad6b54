// A file system for a run directory as a machine has it at /run: a tmpfs, shared with mount namespaces made later. Only
// for programs that have a mount namespace of their own.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'

/** Mounts it at the path, which it makes. Disposing takes it away with everything on it. */
export function mountRunFileSystem(path: string): Disposable {
  mkdirSync(path, { recursive: true })
  run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', path)
  run('mount', '--make-shared', path)
  return { [Symbol.dispose]: () => run('umount', '--recursive', '--lazy', path) }
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
