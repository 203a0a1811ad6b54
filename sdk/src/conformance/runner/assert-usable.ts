// What is wrong with options is said before a driver is started.
import { allChecks } from '../checks/index.ts'
import { socketPlace } from '../target/command-target.ts'
import type { ConformanceOptions } from './options.ts'
import { select } from './selection.ts'
import { UsageError } from './usage-error.ts'

/** Throws a UsageError for what would be noticed only after the driver has been started. */
export function assertUsable(options: ConformanceOptions): void {
  select(allChecks, options)
  assertReplayable(options)
  if (options.command === undefined || options.command.includes(socketPlace)) return
  throw new UsageError(`the command has no ${socketPlace} in it: the path of the socket goes there`)
}

/** Where a failure is among the sequences of a check says nothing without the check and the seed. */
function assertReplayable({ seed, path, replayPath, only = [] }: ConformanceOptions): void {
  if (path === undefined && replayPath === undefined) return
  if (seed === undefined) throw new UsageError('a path needs the seed beside it: --seed, as the report says')
  if (path === undefined) throw new UsageError('--replay-path needs --path beside it, as the report says')
  if (only.length !== 1) throw new UsageError('a path is for one check: --only, as the report says')
}
