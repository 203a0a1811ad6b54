// A network namespace that goes when its user does: `using sandbox = temporaryNamespace()`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deleteNamespace, makeNamespace, Namespace, releaseNamespaceDirectory } from '@conet/sdk/linux'

export type TemporaryNamespace = Disposable & {
  readonly namespace: Namespace
  /** Where it is bound. */
  readonly path: string
}

export function temporaryNamespace(): TemporaryNamespace {
  const directory = mkdtempSync(join(tmpdir(), 'conet-ns-'))
  const path = join(directory, 'sandbox')
  makeNamespace(path)
  const namespace = Namespace.open(path)
  return {
    namespace,
    path,
    [Symbol.dispose]() {
      namespace.close()
      deleteNamespace(path)
      releaseNamespaceDirectory(directory)
      rmSync(directory, { recursive: true })
    },
  }
}
