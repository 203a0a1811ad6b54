// What another process holds: proc(5).
import { readdirSync, readFileSync } from 'node:fs'

export function residentBytesOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** How often it has read from a file or a socket. */
export function readsOf(pid: number): number {
  const [, reads] = /^syscr: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8')) ?? []
  return Number(reads)
}
