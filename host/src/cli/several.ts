// One command on several objects: goes on after a failure, and fails at the end.
import type { CommandContext } from './command-context.ts'
import { exitCodes } from './exit-code.ts'

/** Each failure is written as it happens. Without a host, or when interrupted, the rest is left alone. */
export async function forEachName(
  context: CommandContext,
  names: readonly string[],
  act: (name: string) => Promise<void>,
): Promise<void> {
  const codes = new Set<number>()
  for (const name of names) {
    try {
      await act(name)
    } catch (error) {
      codes.add(await context.report(error))
      if (context.terminal.signal.aborted || (await endsAll(error))) break
    }
  }
  const [code] = codes
  if (code === undefined) return
  const { ReportedFailure } = await import('./failure.ts')
  throw new ReportedFailure(codes.size === 1 ? code : exitCodes.failed)
}

async function endsAll(error: unknown): Promise<boolean> {
  const { ConetError } = await import('@conet/sdk/client')
  return ConetError.is(error, 'hostUnavailable')
}

/** Fetches each and shows those that were found: as one JSON array, or page after page. */
export async function inspectEach<T>(
  context: CommandContext,
  names: readonly string[],
  how: { json: boolean; fetch: (name: string) => Promise<T>; page: (found: T) => Promise<string> | string },
): Promise<void> {
  const found: T[] = []
  try {
    await forEachName(context, names, async (name) => {
      found.push(await how.fetch(name))
    })
  } finally {
    if (how.json) context.json(found)
    else context.terminal.out((await Promise.all(found.map(how.page))).join('\n'))
  }
}
