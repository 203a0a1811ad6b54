// What conetd is told: flags over the environment over the configuration file over the defaults.
import { join, resolve } from 'node:path'
import { ConetError, type Dns } from '@conet/sdk'
import { runtimeSocketPath } from '@conet/sdk/client'
import { completeDns } from '../domain/dns.ts'
import type { VersionRules } from '../drivers/index.ts'
import { type AddressPool, defaultIpv4Pools, parsePools } from '../ipam/index.ts'
import { assertSubnets, type DefaultAttachment } from '../lifecycle/index.ts'
import type { PoolRange } from '../ports/index.ts'
import { type ClusterSettings, readClusterSettings } from './cluster-settings.ts'
import { checkConfig, readConfigFile } from './config-file.ts'
import type { ConfigFile, LogLevel } from './config-schema.ts'
import { configFromEnvironment, configFromFlags, type Flags, flagAt, variableAt } from './config-sources.ts'
import { parseVersionRules } from './driver-versions.ts'

export type Settings = {
  readonly socket: string
  readonly runtimeSocket: string
  readonly runDir: string
  readonly stateDir: string
  readonly driverDir: string
  readonly driverProgramDirs: readonly string[]
  readonly spawn: readonly string[]
  readonly logLevel: LogLevel
  /** `ipv6` undefined: one that is made once a machine and kept. */
  readonly addressPools: {
    readonly ipv4: readonly AddressPool[]
    readonly ipv6: readonly AddressPool[] | undefined
  }
  /** By which others know this machine; undefined: as its routes say. */
  readonly externalAddress: string | undefined
  /** The ports of the machine that are given out to those who ask for any. */
  readonly ports: PoolRange
  readonly stopTimeoutMs: number
  /** From the end of a container's process to its `down`; 0: for ever. */
  readonly processGraceMs: number
  /** How long a configuration is kept that nobody uses; 0: for ever. */
  readonly unusedConfigurationMs: number
  readonly driverCallTimeoutMs: number
  /** The most that progress can extend a call to; never less than a call has anyway. */
  readonly driverMostCallTimeoutMs: number
  readonly driverRollbackMs: number
  /** From one question to a driver what it has to the next; 0: none. */
  readonly driverLookMs: number
  readonly driverPing: { readonly intervalMs: number; readonly timeoutMs: number }
  readonly driverVersions: VersionRules
  /** For containers whose drivers say nothing of it; undefined: nothing. */
  readonly dns: Dns | undefined
  readonly defaultAttachment: DefaultAttachment | undefined
  readonly servesLegacyApi: boolean
  /** Undefined: this host is in no cluster. */
  readonly cluster: ClusterSettings | undefined
}

/** Throws a ConetError that names what is wrong and where it was said. */
export function readSettings(flags: Flags, environment: NodeJS.ProcessEnv): Settings {
  const path = flags.config ?? environment.CONET_CONFIG
  const file = path === undefined || path === '' ? {} : readConfigFile(path)
  const fromEnvironment = checkConfig(configFromEnvironment(environment), 'environment', variableAt)
  const fromFlags = checkConfig(configFromFlags(flags), 'command line', flagAt)
  const all = [file, fromEnvironment, fromFlags]
  const cluster = all.some((said) => said.cluster !== undefined) && {
    cluster: Object.assign({}, ...all.map((said) => said.cluster ?? {})),
  }
  return complete({ ...file, ...fromEnvironment, ...fromFlags, ...cluster })
}

function complete(config: ConfigFile): Settings {
  const driverCallTimeoutMs = config.timeouts?.driver_call_ms ?? 30_000
  const runDir = config.run_dir ?? '/run/conet'
  const socket = config.socket ?? join(runDir, 'conetd.sock')
  const { ipv4, ipv6 } = config.address_pools ?? {}
  return {
    socket,
    runtimeSocket: runtimeSocketBeside(socket, config),
    runDir,
    stateDir: config.state_dir ?? '/var/lib/conet',
    driverDir: config.driver_dir ?? join(runDir, 'drivers'),
    driverProgramDirs: config.driver_program_dirs ?? [],
    spawn: [...new Set(config.spawn)],
    logLevel: config.log_level ?? 'info',
    addressPools: {
      ipv4: parsePools(ipv4 ?? defaultIpv4Pools, 'address_pools.ipv4', 4),
      ipv6: ipv6 === undefined ? undefined : parsePools(ipv6, 'address_pools.ipv6', 6),
    },
    externalAddress: config.external_address,
    ports: portPoolOf(config),
    stopTimeoutMs: config.timeouts?.stop_ms ?? 10_000,
    processGraceMs: config.timeouts?.process_gone_ms ?? 60_000,
    unusedConfigurationMs: config.timeouts?.unused_config_ms ?? 0,
    driverCallTimeoutMs,
    driverMostCallTimeoutMs: Math.max(driverCallTimeoutMs, config.timeouts?.driver_most_call_ms ?? 300_000),
    driverRollbackMs: config.timeouts?.driver_rollback_ms ?? 30_000,
    driverPing: {
      intervalMs: config.timeouts?.driver_ping_interval_ms ?? 10_000,
      timeoutMs: config.timeouts?.driver_ping_ms ?? 3_000,
    },
    driverLookMs: config.timeouts?.driver_look_ms ?? 60_000,
    driverVersions: parseVersionRules(config.drivers),
    dns: config.dns && completeDns(config.dns),
    defaultAttachment: checkedAttachment(config),
    servesLegacyApi: config.legacy_api ?? true,
    cluster: readClusterSettings(config.cluster),
  }
}

function runtimeSocketBeside(socket: string, { runtime_socket: wanted }: ConfigFile): string {
  const path = wanted ?? runtimeSocketPath(socket)
  if (resolve(path) !== resolve(socket)) return path
  const message = `socket and runtime_socket must be two paths; found ${path} for both`
  throw new ConetError('invalidArgument', message, {
    fields: [
      { path: 'socket', message: 'is that of runtime_socket too' },
      { path: 'runtime_socket', message: 'is that of socket too' },
    ],
    help: 'choose another place with --runtime-socket or --socket',
  })
}

/** Made when the first container starts without a word: a slip must not wait until then. */
function checkedAttachment({ default_attachment: attachment }: ConfigFile): DefaultAttachment | undefined {
  if (attachment !== undefined) assertSubnets(attachment, 'default_attachment.')
  return attachment
}

/** Behind what Linux gives to outgoing connections, up to the last port. */
const defaultPortPool = { start: 61_001, size: 4_534 }

function portPoolOf({ ports }: ConfigFile): PoolRange {
  const { start = defaultPortPool.start } = ports ?? {}
  const most = 65_536 - start
  const { size = Math.min(defaultPortPool.size, most) } = ports ?? {}
  if (size <= most) return { start, size }
  const message = `${size} ports from ${start} would end above 65535: at most ${most}`
  throw new ConetError('invalidArgument', `ports.size: ${message}`, {
    fields: [{ path: 'ports.size', message }],
  })
}
