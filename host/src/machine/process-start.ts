// When a process began: with its pid it names it for good, since a pid alone may be given to another one later.
// Reads /proc (proc_pid_stat(5)).
import { readFileSync } from 'node:fs'

/** Clock ticks between boot and the start of the process; undefined for one that has ended, reaped or not. */
export function startTimeOf(pid: number): string | undefined {
  try {
    return startTimeIn(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    // ESRCH: it ended between open and read.
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return undefined
    throw error
  }
}

/** The same out of the text of /proc/PID/stat. */
export function startTimeIn(stat: string): string | undefined {
  // The command (field 2) stands in parentheses and may hold anything; after the last one, field 3 (state) begins.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  return state === 'Z' || state === 'X' ? undefined : fields[22 - 3]
}
