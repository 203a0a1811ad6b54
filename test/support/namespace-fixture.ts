// A directory with network namespaces for one test, which proves at its end that nothing of them is left.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deleteNamespace, makeNamespace, Namespace, releaseNamespaceDirectory } from '@conet/sdk/linux'
import { assertNoStrayThreads } from './threads.ts'

export class NamespaceFixture implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'conet-ns-'))
  readonly #mountsBefore = readMounts()
  readonly #namespaces = new Map<string, Namespace>()

  path(name: string): string {
    return join(this.directory, name)
  }

  /** A new namespace, kept at `path(name)` until it is deleted, or the fixture is disposed of. */
  make(name: string): Namespace {
    makeNamespace(this.path(name))
    const namespace = Namespace.open(this.path(name))
    this.#namespaces.set(name, namespace)
    return namespace
  }

  /** Nothing, if it is gone. */
  delete(name: string): void {
    const namespace = this.#namespaces.get(name)
    if (namespace === undefined) return
    deleteNamespace(namespace.path)
    namespace.close()
    this.#namespaces.delete(name)
  }

  /** Runs a program inside a namespace that `make` made. */
  exec(name: string, command: string): string {
    const argv = [`--net=${this.path(name)}`, 'sh', '-ec', command]
    return execFileSync('nsenter', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  }

  [Symbol.dispose](): void {
    for (const name of [...this.#namespaces.keys()]) this.delete(name)
    releaseNamespaceDirectory(this.directory)
    const left = readdirSync(this.directory)
    rmSync(this.directory, { recursive: true })
    if (left.length > 0) throw new Error(`files left: ${left.join(', ')}`)
    if (readMounts() !== this.#mountsBefore) throw new Error(`mounts left:\n${readMounts()}`)
    assertNoStrayThreads()
  }
}

function readMounts(): string {
  return readFileSync('/proc/self/mountinfo', 'utf8')
}
