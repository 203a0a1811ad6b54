// A group: rows that are measured together, in turns, on processes and namespaces of their own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { releaseNamespaceDirectory } from '@conet/sdk/linux'
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

/** A directory with a short path, and one in it for namespaces. */
export async function workplace(): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'conet-b-'))
  const namespaces = join(directory, 'netns')
  return {
    directory,
    namespaces,
    async [Symbol.asyncDispose]() {
      releaseNamespaceDirectory(namespaces)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export function wantsAny(run: Run, ...rows: readonly string[]): boolean {
  return rows.some((row) => run.wanted.has(row))
}
