// Where a program of the machine is. Root's PATH does not always have the sbin folders.
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

export function programPath(name: string): string {
  const found = systemPath.map((folder) => join(folder, name)).find((path) => existsSync(path))
  if (found === undefined) throw new Error(`the program ${name} is missing: run npm run setup`)
  return found
}
