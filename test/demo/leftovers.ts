// Everything that conet could leave behind in these namespaces, to compare before and after.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { programPath } from './program-path.ts'

export type Inventory = Readonly<Record<string, readonly string[]>>

export function takeInventory(): Inventory {
  return {
    links: ip('-o', 'link').map((line) => line.split(': ')[1] ?? line),
    addresses: ip('-o', 'address'),
    routes: [...ip('-4', 'route', 'show', 'table', 'all'), ...ip('-6', 'route', 'show', 'table', 'all')],
    rules: [...ip('-4', 'rule'), ...ip('-6', 'rule')],
    neighbours: ip('neighbour', 'show', 'nud', 'all'),
    firewall: run('nft', 'list', 'ruleset'),
    'mounts and namespaces': mounts(),
    processes: processes(),
    sockets: sockets(),
  }
}

/** What is in one and not in the other, in words. */
export function differences(before: Inventory, after: Inventory): string[] {
  return Object.keys(before).flatMap((kind) => {
    const [old = [], now = []] = [before[kind], after[kind]]
    return [
      ...now.filter((item) => !old.includes(item)).map((item) => `left in ${kind}: ${item}`),
      ...old.filter((item) => !now.includes(item)).map((item) => `gone from ${kind}: ${item}`),
    ]
  })
}

function ip(...args: string[]): string[] {
  return run('ip', ...args)
}

function run(program: string, ...args: string[]): string[] {
  // Lifetimes count down; they are nothing that was left.
  const output = execFileSync(programPath(program), args, { encoding: 'utf8' })
  return output.split('\n').filter((line) => line !== '')
}

/** Namespaces that are held by a path are mounts. The first number only counts up. */
function mounts(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ').slice(2).join(' '))
}

/** Processes of these namespaces, but this one and what it runs to find out. */
function processes(): string[] {
  const own = { mnt: namespaceOf('self', 'mnt'), net: namespaceOf('self', 'net') }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => namespaceOf(pid, 'mnt') === own.mnt || namespaceOf(pid, 'net') === own.net)
    .map((pid) => `${pid} ${commandOf(pid)}`)
}

function namespaceOf(pid: string, type: 'mnt' | 'net'): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${type}`)
  } catch {
    // It has ended since the listing, or is a zombie that nobody has waited for.
    return ''
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    // It has ended since the listing.
    return ''
  }
}

/** UNIX sockets of this network namespace that have a name. */
function sockets(): string[] {
  const lines = readFileSync('/proc/self/net/unix', 'utf8').split('\n').slice(1)
  return lines.flatMap((line) => line.split(/\s+/)[7] ?? [])
}
