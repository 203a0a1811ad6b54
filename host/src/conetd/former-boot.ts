// What the run directory says of a kernel that is no more: on a tmpfs it went with it, elsewhere it is emptied here.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Deletes the volatile store of a former boot, before it is opened. What clients configured is elsewhere. */
export function forgetFormerBoot(storeDirectory: string): void {
  const file = join(storeDirectory, 'boot-id')
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const known = existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
  if (known === bootId) return
  if (known !== undefined) rmSync(storeDirectory, { recursive: true })
  mkdirSync(storeDirectory, { recursive: true, mode: 0o700 })
  writeFileSync(file, `${bootId}\n`)
}
