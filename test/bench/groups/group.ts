// A group: rows that are measured together, in turns, on processes and namespaces of their own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { releaseNamespaceDirectory } from '@conet/sdk/linux'
import { mountRunFileSystem } from '../../support/run-file-system.ts'
import type { Samples } from '../samples.ts'

export type Run = {
  readonly wanted: ReadonlySet<string>
  readonly samples: Samples
  /** Row → why it cannot be measured on this machine. */
  readonly absent: Map<string, string>
  readonly signal: AbortSignal
  readonly progress: (text: string) => void
}

export type Group = {
  readonly rows: readonly string[]
  measure(run: Run): Promise<void>
}

export type Workplace = AsyncDisposable & { readonly directory: string; readonly namespaces: string }

/** A directory with a short path; in it one for namespaces, and a run directory as on a real machine. */
export async function workplace(): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'conet-b-'))
  const namespaces = join(directory, 'netns')
  // The state directory stays on the disk, so that its writes cost what they cost.
  const runFileSystem = mountRunFileSystem(join(directory, 'run'))
  return {
    directory,
    namespaces,
    async [Symbol.asyncDispose]() {
      releaseNamespaceDirectory(namespaces)
      runFileSystem[Symbol.dispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export function wantsAny(run: Run, ...rows: readonly string[]): boolean {
  return rows.some((row) => run.wanted.has(row))
}
