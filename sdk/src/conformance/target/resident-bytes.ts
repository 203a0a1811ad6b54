// How much memory a process holds: proc(5), status.
import { readFileSync } from 'node:fs'

/** 0 for a process that is gone. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(statusOf(pid))?.[1]
  return Number(kilobytes ?? 0) * 1024
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}
