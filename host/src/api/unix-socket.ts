// The place of a UNIX socket in the file system: replaces what a dead process left, and nothing else.
import { chmod, chown, lstat, readFile, stat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { ConetError, isErrno, maxSocketPathBytes } from '@conet/sdk'

export type SocketPlace = {
  readonly path: string
  readonly mode: number
  /** Owns the socket if there is such a group. */
  readonly group?: string
}

/**
 * Throws `failedPrecondition` where `listenOn` would, and changes nothing: for those who do much before they listen.
 */
export async function assertListenable(path: string): Promise<void> {
  const temporary = temporaryOf(path)
  await lookAtPlace(path)
  await lookAtPlace(temporary)
}

/** Until the socket is complete: hidden, and in the same directory, so that it can be moved. Throws for a path that is too long. */
export function temporaryOf(path: string): string {
  const names = [`.${basename(path)}`, `.${process.pid}`]
  const fitting = names.map((name) => join(dirname(path), name)).find((one) => isShort(one) && one !== path)
  if (isShort(path) && fitting !== undefined) return fitting
  throw refusal(path, `the path has ${Buffer.byteLength(path)} bytes, a socket takes ${maxSocketPathBytes}`)
}

function isShort(path: string): boolean {
  return Buffer.byteLength(path) <= maxSocketPathBytes
}

export async function giveMode(path: string, { mode, group }: SocketPlace): Promise<void> {
  const gid = group === undefined ? undefined : await groupId(group)
  if (gid !== undefined) await chown(path, process.geteuid?.() ?? 0, gid)
  await chmod(path, mode)
}

/** Takes away what a process has left that does not listen any more. Throws as `assertListenable`. */
export async function clearPlace(path: string): Promise<void> {
  if ((await lookAtPlace(path)) === 'left') await unlink(path)
}

/** `left`: by a process that does not listen any more. */
async function lookAtPlace(path: string): Promise<'free' | 'left'> {
  const found = await lstat(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  })
  if (found === undefined) {
    await requireDirectory(path)
    return 'free'
  }
  if (!found.isSocket()) throw refusal(path, 'a file that is no socket stands there')
  if (await isAnswered(path)) throw refusal(path, 'another process listens there')
  return 'left'
}

/** The system call says EACCES for a directory that is not there. */
async function requireDirectory(path: string): Promise<void> {
  await stat(dirname(path)).catch((cause: Error) => {
    throw refusal(path, `its directory cannot be used: ${cause.message}`, cause)
  })
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error) => {
      // ENOENT: gone since it was looked at. EAGAIN: somebody listens, whose queue is full.
      if (isErrno(error, 'ECONNREFUSED', 'ENOENT')) resolve(false)
      else if (isErrno(error, 'EAGAIN')) resolve(true)
      else reject(error)
    })
  })
}

/** The number of a local group, or undefined. */
async function groupId(name: string): Promise<number | undefined> {
  const lines = (await readFile('/etc/group', 'utf8')).split('\n')
  const fields = lines.map((line) => line.split(':')).find(([found]) => found === name)
  const gid = Number.parseInt(fields?.[2] ?? '', 10)
  return Number.isNaN(gid) ? undefined : gid
}

export function refusal(path: string, why: string, cause?: Error): ConetError {
  return new ConetError('failedPrecondition', `listen on ${path}: ${why}`, {
    cause,
    details: { path },
    help: 'choose another path (--socket, --runtime-socket, --run-dir), or move away what stands there',
  })
}
