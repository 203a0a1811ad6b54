// Whether a program may be started: conetd is root, so whoever can change the file, or what is on the way to it, is root
// too. Looks at names and file attributes only.
import type { BigIntStats } from 'node:fs'
import { lstat, readlink, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ConetError } from '@conet/sdk'

/** What decides already what conetd does: nobody gains by it. */
export type Trust = {
  /** Their files may be started. */
  readonly owners: ReadonlySet<bigint>
  /** On the way to conet's own files. */
  readonly directories: ReadonlySet<string>
}

type Step = { readonly path: string; readonly stats: BigIntStats }

/** A group's right to write is not looked at: Debian has /usr/local and its bin as root:staff, and 2775. */
const writableByAll = 0o002n
const sticky = 0o1000n
/** As the kernel has it (path_resolution(7)). */
const mostLinks = 40

/** Root, this process, the owner of conet's own files, and the directories that these are in. */
export async function trustOf(packageDirectory: string): Promise<Trust> {
  const { uid } = await lstat(packageDirectory, { bigint: true })
  const directories = new Set<string>()
  for (let at = await realpath(packageDirectory); at !== dirname(at); at = dirname(at)) directories.add(at)
  return { owners: new Set([0n, BigInt(process.geteuid?.() ?? 0), uid]), directories }
}

/** Throws `failedPrecondition` that names what on the way to the program somebody else can change, and how. */
export async function assertTrustedProgram(program: string, { owners, directories }: Trust): Promise<void> {
  for await (const { path, stats } of stepsTo(program)) {
    if (directories.has(path)) continue
    const isOpen = isOpenToAll(stats)
    const closing = `chmod o-w ${path}`
    if (!owners.has(stats.uid)) {
      const mending = isOpen ? `${taking(path, stats)} && ${closing}` : taking(path, stats)
      throw refusal(program, { path, stats }, { why: 'belongs to somebody else', mending })
    }
    if (isOpen) throw refusal(program, { path, stats }, { why: 'is writable by others', mending: closing })
  }
}

/** In a sticky directory such as /tmp others can add, but neither rename nor remove what is not theirs. */
function isOpenToAll(stats: BigIntStats): boolean {
  if (stats.isSymbolicLink() || (stats.mode & writableByAll) === 0n) return false
  return !(stats.isDirectory() && (stats.mode & sticky) !== 0n)
}

/** All that decides which file the path names: directories, links, what they lead to, and the file. */
async function* stepsTo(program: string): AsyncGenerator<Step> {
  let at = '/'
  let links = 0
  const left = namesOf(program)
  yield await stepAt(at)
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    const step = await stepAt(join(at, name))
    yield step
    if (!step.stats.isSymbolicLink()) {
      at = step.path
      continue
    }
    links += 1
    if (links > mostLinks) {
      const mending = `let ${step.path} lead straight to it`
      throw refusal(program, step, { why: `is one of more than ${mostLinks} links`, mending })
    }
    const target = await readlink(step.path)
    if (target.startsWith('/')) at = '/'
    left.unshift(...namesOf(target))
  }
}

/** `..` stays: what it leads to depends on the links before it, which are resolved by then. */
function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

async function stepAt(path: string): Promise<Step> {
  return { path, stats: await lstat(path, { bigint: true }) }
}

function refusal(
  program: string,
  { path, stats }: Step,
  { why, mending }: { why: string; mending: string },
): ConetError {
  const mode = (stats.mode & 0o7777n).toString(8).padStart(4, '0')
  const owner = Number(stats.uid)
  return new ConetError(
    'failedPrecondition',
    `start ${program}: ${path} ${why} (mode ${mode}, uid ${owner}), who could put another program there`,
    {
      details: { program, path, mode, owner },
      help: `If what is there can be trusted: ${mending}. Else take it away, or name another directory as driver_program_dirs.`,
    },
  )
}

function taking(path: string, stats: BigIntStats): string {
  return stats.isSymbolicLink() ? `chown -h root ${path}` : `chown root ${path}`
}
