// On which processors processes run. The kernel puts two that wake each other now on one processor, where a wake is cheap,
// now on two, where each pays for waking the other one, and leaves them there: by luck, a round trip takes thrice the time
// of another. What is compared is therefore put in the same place.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Those that this process may use. */
export function processors(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8')
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '0'
  return parseProcessorList(list)
}

/** `0-2,5` means four of them. */
export function parseProcessorList(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

/** The process runs on these alone from now on, with all its threads. */
export function confine(pid: number, to: readonly number[]): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', to.join(','), String(pid)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
