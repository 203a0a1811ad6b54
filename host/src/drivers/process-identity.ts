// Which process is meant: a pid alone may have been given to another one since. Reads /proc (proc_pid_stat(5)).
import { readdir, readFile } from 'node:fs/promises'
import { startTimeIn } from '../machine/process-start.ts'

export type ProcessIdentity = {
  readonly pid: number
  /** Clock ticks between boot and its start: field 22 of /proc/PID/stat. */
  readonly startTime: string
  /** Ticks begin anew with each boot, and so may pids. */
  readonly bootId: string
}

/** Undefined if there is no such process, or only what is left of one until its parent asks for it. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  const startTime = startTimeIn(stat)
  if (startTime === undefined) return undefined
  return { pid, startTime, bootId: await readBootId() }
}

export async function isAlive({ pid, startTime, bootId }: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(pid)
  return now !== undefined && now.startTime === startTime && now.bootId === bootId
}

/** The process that was started with this member in its environment, if one lives: of a family, the eldest. */
export async function findByEnvironment(member: string): Promise<ProcessIdentity | undefined> {
  const found: ProcessIdentity[] = []
  for (const name of await readdir('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue
    const environment = await readIfThere(`/proc/${name}/environ`)
    if (!environment?.split('\0').includes(member)) continue
    const identity = await identifyProcess(Number(name))
    if (identity !== undefined) found.push(identity)
  }
  return found.sort((a, b) => Number(a.startTime) - Number(b.startTime) || a.pid - b.pid)[0]
}

async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}

/** ESRCH comes when the process ends between open and read. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return undefined
    throw error
  }
}
