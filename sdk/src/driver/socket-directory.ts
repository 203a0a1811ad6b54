// The directory in which a driver puts its socket: whoever can write to it could put another socket in its place.
import { lstat, mkdir, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isErrno } from '../errno.ts'
import { ConetError } from '../errors/index.ts'

const writableByOthers = 0o002

/**
 * Throws `failedPrecondition` unless the directory is there, or can be made, and belongs to root or to us. A group may
 * write to it, as whoever gave it that group wanted; the rest of the world may not.
 */
export async function ensureSocketDirectory(directory: string): Promise<void> {
  if (await isThere(directory)) return assertTrusted(directory)
  const parent = dirname(directory)
  if (!(await isThere(parent))) {
    throw refused(
      directory,
      `neither it nor ${parent} exists`,
      `Make it with: install -d -m 0750 ${directory}`,
    )
  }
  await assertTrusted(parent)
  // Another driver may make it in the same moment.
  await mkdir(directory, { mode: 0o700 }).catch(unlessExists)
  await assertTrusted(directory)
}

async function assertTrusted(directory: string): Promise<void> {
  // A link above it is fine (/var/run); what counts is where it leads.
  const stats = await lstat(await realpath(directory))
  const ours = process.geteuid?.() ?? 0
  if (!stats.isDirectory()) throw refused(directory, 'it is not a directory')
  if (stats.uid !== 0 && stats.uid !== ours) {
    throw refused(directory, `it belongs to uid ${stats.uid}, neither to root nor to uid ${ours}`)
  }
  if ((stats.mode & writableByOthers) !== 0) throw refused(directory, 'it is writable by others')
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

function unlessExists(error: unknown): void {
  if (!isErrno(error, 'EEXIST')) throw error
}

/** No command for one that is there: `install -d` would take a /tmp from all who use it. */
const elsewhere =
  "Name a socket in another directory: one that is root's, or this user's, and that nobody else may write to"

function refused(directory: string, why: string, help = elsewhere): ConetError {
  return new ConetError('failedPrecondition', `make a driver's socket in ${directory}: ${why}`, { help })
}
