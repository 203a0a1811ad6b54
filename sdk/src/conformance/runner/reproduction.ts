// The command line that runs one check again in the same way.
import type { Replay } from '../checks/verdicts.ts'
import type { ConformanceOptions } from './options.ts'

export function reproduction(
  { id, seed, replay }: { id: string; seed: number; replay?: Replay | undefined },
  options: ConformanceOptions,
): string {
  const { socketPath, command, timeScale = 1 } = options
  const target = command === undefined ? `--socket ${quoted(socketPath)}` : `--command ${quoted(command)}`
  const scale = timeScale === 1 ? '' : ` --time-scale ${timeScale}`
  const place = replay === undefined ? '' : ` --path ${replay.path} --replay-path '${replay.replayPath}'`
  return `conet-conformance run ${target} --only ${id} --seed ${seed}${scale}${place}`
}

function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
