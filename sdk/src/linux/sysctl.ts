// Reads and writes the kernel's network settings of a namespace. Which settings conet needs, the callers know.
// The kernel shows the settings of the task that opens the file, whichever /proc it is, so each open is inside.
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import { ConetError } from '../errors/index.ts'
import { KernelError } from './kernel-error.ts'
import { type Place, runIn } from './namespace.ts'
import { checkedCall } from './system-error.ts'

/** A setting below /proc/sys/net, with slashes because an interface's name may hold dots: `ipv4/conf/br0.1/forwarding`. */
export type SysctlKey = `${(typeof sysctlFamilies)[number]}/${string}`

/** The directories of /proc/sys/net. */
const sysctlFamilies = [
  'ipv4',
  'ipv6',
  'core',
  'bridge',
  'netfilter',
  'unix',
  'mptcp',
  'sctp',
  'mpls',
  'vrf',
] as const

/** A setting and the value it should have. */
export type SysctlChange = { key: SysctlKey; value: string | number }

/** The key of an interface's own setting; `all` and `default` are the kernel's names for every and for new interfaces. */
export function interfaceSysctl(
  family: 'ipv4' | 'ipv6',
  { interfaceName, setting }: { interfaceName: string; setting: string },
): SysctlKey {
  return `${family}/conf/${part(interfaceName)}/${part(setting)}`
}

/**
 * The key of a setting that is named by its path below /proc/sys, `net/ipv4/conf/eth0/rp_filter`; undefined for what is
 * no setting of the network.
 */
export function sysctlOfPath(path: string): SysctlKey | undefined {
  const [root, directory, ...rest] = path.split('/')
  const family = sysctlFamilies.find((known) => known === directory)
  if (root !== 'net' || family === undefined || rest.length === 0 || !rest.every(isPart)) return undefined
  return `${family}/${rest.join('/')}`
}

/** The value of a setting. Throws a KernelError: ENOENT when the kernel has no such setting (module or interface missing). */
export function readSysctl(place: Place, key: SysctlKey): string {
  const path = pathOf(key)
  return runIn(place, () => read(path, key))
}

/** The same; undefined where the kernel has no such setting. */
export function readSysctlIfThere(place: Place, key: SysctlKey): string | undefined {
  try {
    return readSysctl(place, key)
  } catch (error) {
    if (KernelError.is(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * Sets a setting and returns what it was, so that it can be put back. Writes nothing when it has that value
 * already, so it may be repeated. Throws a KernelError: ENOENT, EINVAL, EACCES, EROFS (a container's /proc/sys).
 */
export function writeSysctl(place: Place, { key, value }: SysctlChange): string {
  const path = pathOf(key)
  return runIn(place, () => {
    const previous = read(path, key)
    if (!isSame(previous, String(value))) write(path, { key, value })
    return previous
  })
}

function read(path: string, key: SysctlKey): string {
  return checkedCall(`read sysctl net/${key}`, () => readFileSync(path, 'utf8')).trimEnd()
}

function write(path: string, { key, value }: SysctlChange): void {
  checkedCall(`set sysctl net/${key} to ${value}`, () => {
    const fd = openSync(path, constants.O_WRONLY)
    try {
      writeSync(fd, `${value}\n`)
    } finally {
      closeSync(fd)
    }
  })
}

/** Settings of several numbers come back with tabs, however they were written. */
function isSame(one: string, other: string): boolean {
  return one.split(/\s+/).join(' ') === other.trim().split(/\s+/).join(' ')
}

function pathOf(key: SysctlKey): string {
  return `/proc/sys/net/${key.split('/').map(part).join('/')}`
}

/** One step of the path: nothing that climbs, ends the path early, or is no step at all. */
function part(text: string): string {
  if (isPart(text)) return text
  throw new ConetError(
    'invalidArgument',
    `sysctl: ${JSON.stringify(text)} cannot be part of a setting's name`,
  )
}

function isPart(text: string): boolean {
  return /^[^\s/\0]{1,128}$/.test(text) && text !== '.' && text !== '..'
}
