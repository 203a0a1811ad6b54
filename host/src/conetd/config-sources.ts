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
  readonly cluster?: string
  readonly node?: string
  readonly underlayAddress?: string
  readonly clusterCa?: string
  readonly clusterCert?: string
  readonly clusterKey?: string
  readonly clusterInsecureSkipTlsVerify?: boolean
  readonly clusterUser?: string
  readonly clusterPasswordFile?: string
  readonly clusterBlockBits?: string
  readonly config?: string
}

/** `section`: the key is in that part of the configuration file. */
type Source = {
  flag: keyof Flags
  variable: string
  section?: 'cluster'
  key: string
  parse: (text: string) => unknown
}

const section = 'cluster'
const asItIs = (text: string) => text

/** Everything that can be said in more than one way. `--config` is not a setting: it says where the settings are. */
const sources: readonly Source[] = [
  { flag: 'socket', variable: 'CONET_SOCKET', key: 'socket', parse: absolute },
  { flag: 'runtimeSocket', variable: 'CONET_RUNTIME_SOCKET', key: 'runtime_socket', parse: absolute },
  { flag: 'runDir', variable: 'CONET_RUN_DIR', key: 'run_dir', parse: absolute },
  { flag: 'stateDir', variable: 'CONET_STATE_DIR', key: 'state_dir', parse: absolute },
  { flag: 'driverDir', variable: 'CONET_DRIVER_DIR', key: 'driver_dir', parse: absolute },
  { flag: 'spawn', variable: 'CONET_SPAWN', key: 'spawn', parse: names },
  { flag: 'logLevel', variable: 'CONET_LOG_LEVEL', key: 'log_level', parse: asItIs },
  { flag: 'cluster', variable: 'CONET_CLUSTER', section, key: 'store', parse: asItIs },
  { flag: 'node', variable: 'CONET_NODE', section, key: 'node', parse: asItIs },
  {
    flag: 'underlayAddress',
    variable: 'CONET_UNDERLAY_ADDRESS',
    section,
    key: 'underlay_address',
    parse: asItIs,
  },
  { flag: 'clusterCa', variable: 'CONET_CLUSTER_CA', section, key: 'ca', parse: absolute },
  { flag: 'clusterCert', variable: 'CONET_CLUSTER_CERT', section, key: 'cert', parse: absolute },
  { flag: 'clusterKey', variable: 'CONET_CLUSTER_KEY', section, key: 'key', parse: absolute },
  {
    flag: 'clusterInsecureSkipTlsVerify',
    variable: 'CONET_CLUSTER_INSECURE_SKIP_TLS_VERIFY',
    section,
    key: 'insecure_skip_tls_verify',
    parse: truth,
  },
  { flag: 'clusterUser', variable: 'CONET_CLUSTER_USER', section, key: 'user', parse: asItIs },
  {
    flag: 'clusterPasswordFile',
    variable: 'CONET_CLUSTER_PASSWORD_FILE',
    section,
    key: 'password_file',
    parse: absolute,
  },
  {
    flag: 'clusterBlockBits',
    variable: 'CONET_CLUSTER_BLOCK_BITS',
    section,
    key: 'block_bits',
    parse: wholeNumber,
  },
]

export function configFromFlags(flags: Flags): Record<string, unknown> {
  return collect(({ flag }) => flags[flag]?.toString())
}

/** The flag of the setting that has this path in the configuration file. */
export function flagAt(path: string): string | undefined {
  const flag = sourceAt(path)?.flag
  return flag && `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** The variable of that setting. */
export function variableAt(path: string): string | undefined {
  return sourceAt(path)?.variable
}

function sourceAt(path: string): Source | undefined {
  return sources.find(({ section, key }) => path === (section === undefined ? key : `${section}.${key}`))
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
  const within: Record<string, unknown> = {}
  for (const source of sources) {
    const text = textOf(source)
    if (text === undefined) continue
    const where = source.section === undefined ? said : within
    where[source.key] = source.parse(text)
  }
  return Object.keys(within).length === 0 ? said : { ...said, [section]: within }
}

/** What is none is left as it is, for the schema to refuse. */
function wholeNumber(text: string): number | string {
  return /^\d{1,9}$/.test(text) ? Number(text) : text
}

/** `true` or `false`; what is neither is left as it is, for the schema to refuse. */
function truth(text: string): boolean | string {
  return ['true', 'false'].includes(text) ? text === 'true' : text
}

/** An empty path is left as it is, for the schema to refuse. */
function absolute(path: string): string {
  return path === '' ? path : resolve(path)
}

function names(list: string): string[] {
  return list === '' ? [] : list.split(',').map((name) => name.trim())
}
