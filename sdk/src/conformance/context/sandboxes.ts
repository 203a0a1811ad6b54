// Network namespaces that the kit makes for a check to plug into, and takes away after it.
import { mkdtempSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  deleteNamespace,
  isNamespacePath,
  makeNamespace,
  Namespace,
  prepareNamespaceDirectory,
  releaseNamespaceDirectory,
} from '../../linux/index.ts'
import type { Sandbox } from '../../protocol/index.ts'

export class Sandboxes implements Disposable {
  #directory: string | undefined
  readonly #paths: string[] = []

  /** Makes one; its loopback is down, as a host hands it over. */
  make(): Sandbox {
    const directory = this.#prepared()
    const id = `kit-${this.#paths.length + 1}`
    const path = join(directory, id)
    makeNamespace(path)
    this.#paths.push(path)
    return { id: path, path }
  }

  /** Takes one away before its time, as when a container dies. */
  delete({ path }: Sandbox): void {
    deleteNamespace(path)
  }

  [Symbol.dispose](): void {
    for (const path of this.#paths.splice(0).reverse()) if (isNamespacePath(path)) deleteNamespace(path)
    if (this.#directory === undefined) return
    releaseNamespaceDirectory(this.#directory)
    rmdirSync(this.#directory)
    this.#directory = undefined
  }

  /** Below /run, which a driver sees also where its service manager gives it a /tmp of its own. */
  #prepared(): string {
    if (this.#directory === undefined) {
      this.#directory = mkdtempSync('/run/conet-kit-')
      prepareNamespaceDirectory(this.#directory)
    }
    return this.#directory
  }
}

/** Looks at a namespace without staying in it. */
export function openNamespace({ path }: Sandbox): Namespace {
  return Namespace.open(path)
}
