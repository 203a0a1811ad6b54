// The command line that runs one check again in the same way.
import type { ConformanceOptions } from './options.ts'

export function reproduction(id: string, seed: number, options: ConformanceOptions): string {
  const { socketPath, command, timeScale = 1 } = options
  const target = command === undefined ? `--socket ${quoted(socketPath)}` : `--command ${quoted(command)}`
  const scale = timeScale === 1 ? '' : ` --time-scale ${timeScale}`
  return `conet-conformance run ${target} --only ${id} --seed ${seed}${scale}`
}

function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
