// Flags and environment variables in the form of the configuration file, so that one schema checks all three.
import { resolve } from 'node:path'

export type Flags = {
  readonly socket?: string
  readonly runtimeSocket?: string
  readonly runDir?: string
  readonly stateDir?: string
  readonly driverDir?: string
  readonly spawn?: string
  readonly logLevel?: string
  readonly config?: string
}

type Source = { flag: keyof Flags; variable: string; key: string; parse: (text: string) => unknown }

/** Everything that can be said in more than one way. `--config` is not a setting: it says where the settings are. */
const sources: readonly Source[] = [
  { flag: 'socket', variable: 'CONET_SOCKET', key: 'socket', parse: absolute },
  { flag: 'runtimeSocket', variable: 'CONET_RUNTIME_SOCKET', key: 'runtime_socket', parse: absolute },
  { flag: 'runDir', variable: 'CONET_RUN_DIR', key: 'run_dir', parse: absolute },
  { flag: 'stateDir', variable: 'CONET_STATE_DIR', key: 'state_dir', parse: absolute },
  { flag: 'driverDir', variable: 'CONET_DRIVER_DIR', key: 'driver_dir', parse: absolute },
  { flag: 'spawn', variable: 'CONET_SPAWN', key: 'spawn', parse: names },
  { flag: 'logLevel', variable: 'CONET_LOG_LEVEL', key: 'log_level', parse: (text) => text },
]

export function configFromFlags(flags: Flags): Record<string, unknown> {
  return collect(({ flag }) => flags[flag])
}

/** An empty variable says nothing; an empty `CONET_SPAWN` says: no drivers. */
export function configFromEnvironment(environment: NodeJS.ProcessEnv): Record<string, unknown> {
  return collect(({ variable, flag }) => {
    const text = environment[variable]
    return text === '' && flag !== 'spawn' ? undefined : text
  })
}

function collect(textOf: (source: Source) => string | undefined): Record<string, unknown> {
  const said: Record<string, unknown> = {}
  for (const source of sources) {
    const text = textOf(source)
    if (text !== undefined) said[source.key] = source.parse(text)
  }
  return said
}

/** An empty path is left as it is, for the schema to refuse. */
function absolute(path: string): string {
  return path === '' ? path : resolve(path)
}

function names(list: string): string[] {
  return list === '' ? [] : list.split(',').map((name) => name.trim())
}
