// resolv.conf and hosts of each container: files below the run directory that a runtime, or a person with
// `ip netns exec`, binds into it. Written in place, so that what is bound already changes too.
import {
  closeSync,
  constants,
  fchmodSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type Dns, isErrno } from '@conet/sdk'

/** What a container's files say. */
export type NameResolution = {
  readonly dns: Dns | undefined
  readonly hosts: HostsEntries
}

/** What a container's hosts file says beyond `localhost`. */
export type HostsEntries = {
  readonly handle: string
  /** What the container calls itself, if the runtime has said it. */
  readonly hostname: string | undefined
  /** The primary network's first. */
  readonly addresses: readonly string[]
  readonly extraHosts: readonly { readonly address: string; readonly names: readonly string[] }[] | undefined
}

export type ResolverPaths = { readonly resolvConf?: string; readonly hosts: string }

export class ResolverFiles {
  /** What containers are told of which no driver says anything; undefined: nothing. */
  readonly defaults: Dns | undefined
  readonly #directory: string

  constructor(directory: string, defaults: Dns | undefined) {
    this.#directory = directory
    this.defaults = defaults
  }

  /** Where they are, if they were written. `resolvConf` only where somebody names a server. */
  pathsOf(id: string, dns: Dns | undefined): ResolverPaths {
    const hosts = join(this.#directory, id, 'hosts')
    return hasServers(dns) ? { resolvConf: join(this.#directory, id, 'resolv.conf'), hosts } : { hosts }
  }

  /** May be repeated, with other content too. */
  write(id: string, { dns, hosts: entries }: NameResolution): void {
    const { resolvConf, hosts } = this.pathsOf(id, dns)
    writeReadable(hosts, hostsText(entries))
    if (resolvConf !== undefined && dns !== undefined) writeReadable(resolvConf, resolvConfText(dns))
  }

  /** May be repeated. */
  remove(id: string): void {
    rmSync(join(this.#directory, id), { recursive: true, force: true })
  }

  /** Removes those of all others. */
  removeOthers(ids: ReadonlySet<string>): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o755 })
    for (const id of readdirSync(this.#directory)) if (!ids.has(id)) this.remove(id)
  }
}

/**
 * Of a user in the container, whatever the umask of conetd. Cut to its length at the end, and not to nothing at the beginning:
 * nobody reads an empty file, and ext4 starts to write to the disk when a file that was cut to nothing is closed
 * (`auto_da_alloc`, ext4(5)), which costs a plug ten times as much as the rest.
 */
function writeReadable(path: string, text: string): void {
  const file = openToWrite(path)
  try {
    fchmodSync(file, 0o644)
    writeFileSync(file, text)
    ftruncateSync(file, Buffer.byteLength(text))
  } finally {
    closeSync(file)
  }
}

/** Nearly always it is there: a container's files are written anew at each plug and unplug. */
function openToWrite(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    return openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o644)
  }
}

function hasServers(dns: Dns | undefined): boolean {
  return dns !== undefined && dns.servers.length > 0
}

export function resolvConfText({ servers, search, options }: Dns): string {
  const lines = [
    ...servers.map((server) => `nameserver ${server}`),
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ]
  return `${lines.join('\n')}\n`
}

/** A host's name has at most 63 characters; Guardian takes the last 49 of the handle, and so does conet. */
const longestName = 49

export function hostsText({ handle, hostname, addresses, extraHosts = [] }: HostsEntries): string {
  const names = [...new Set([hostname ?? '', nameOf(handle)])].filter((name) => name !== '').join(' ')
  const own = names === '' ? [] : addresses.map((address) => `${address}\t${names}`)
  const others = extraHosts.map((host) => `${host.address}\t${host.names.join(' ')}`)
  return `${['127.0.0.1\tlocalhost', '::1\tlocalhost', ...own, ...others].join('\n')}\n`
}

function nameOf(handle: string): string {
  return handle
    .slice(-longestName)
    .replace(/[^A-Za-z0-9.-]/g, '-')
    .replace(/^[.-]+/, '')
}
