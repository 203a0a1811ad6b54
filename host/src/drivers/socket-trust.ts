// Whether a file of the driver directory may be used as a driver's socket: whoever can put one there, or write to
// it, decides what the host tells its drivers. Looks at names and file attributes only; it never connects.
import type { BigIntStats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConetError, maxSocketPathBytes } from '@conet/sdk'

const writableByOthers = 0o002n
const sticky = 0o1000n

/** Why a file is not used, and what a person can do about it. */
export type SocketRefusal = { readonly why: string; readonly help: string }

/** Undefined: it may be used. Only for files that claim to be sockets: see `claimsToBeSocket`. */
export function socketRefusal(path: string, stats: BigIntStats, uid: number): SocketRefusal | undefined {
  if (stats.isSymbolicLink())
    return {
      why: 'it is a symbolic link',
      help: `Let the driver make its socket there itself, and remove the link: rm ${path}`,
    }
  const bytes = Buffer.byteLength(path)
  if (bytes > maxSocketPathBytes)
    return {
      why: `its path has ${bytes} bytes, a socket takes ${maxSocketPathBytes}`,
      help: 'Let the driver use a shorter name for its socket.',
    }
  if (!isTrusted(stats.uid, uid))
    return {
      why: `it belongs to uid ${stats.uid}, neither to root nor to the host`,
      help: `Run the driver as root; if the socket can be trusted as it is: chown root ${path}`,
    }
  if ((stats.mode & writableByOthers) !== 0n)
    return { why: 'others may write to it', help: `Take write permission from others: chmod 0600 ${path}` }
  return undefined
}

/** Sockets, and links, which may lead to one: a link is reported, other files are none of the host's business. */
export function claimsToBeSocket(stats: BigIntStats): boolean {
  return stats.isSocket() || stats.isSymbolicLink()
}

/**
 * Throws `failedPrecondition` if someone else could replace files in the directory or the directory itself. `uid`: who may
 * have it beside root; this process by default.
 */
export async function assertTrustedDirectory(
  directory: string,
  uid: number = process.geteuid?.() ?? 0,
): Promise<void> {
  for (let path = directory; ; path = dirname(path)) {
    const stats = await lstat(path, { bigint: true })
    const refusal = directoryRefusal(stats, uid, { isLast: path === directory })
    if (refusal !== undefined) {
      throw new ConetError('failedPrecondition', `use ${directory} for drivers: ${path} ${refusal}`, {
        help: 'Give the directory and those above it to root, and take write permission from others.',
      })
    }
    if (path === dirname(path)) return
  }
}

function directoryRefusal(
  stats: BigIntStats,
  uid: number,
  { isLast }: { isLast: boolean },
): string | undefined {
  // A link above is as trustworthy as the directory that holds it, which is checked next.
  if (stats.isSymbolicLink()) return isLast ? 'is a symbolic link' : undefined
  if (!stats.isDirectory()) return 'is not a directory'
  if (!isTrusted(stats.uid, uid)) return `belongs to uid ${stats.uid}`
  // In a sticky directory such as /tmp others can add, but neither rename nor remove what is not theirs.
  if ((stats.mode & writableByOthers) !== 0n && (isLast || (stats.mode & sticky) === 0n)) {
    return 'is writable by others'
  }
  return undefined
}

function isTrusted(owner: bigint, uid: number): boolean {
  return owner === 0n || owner === BigInt(uid)
}
