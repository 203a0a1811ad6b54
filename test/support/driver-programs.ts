// Programs for a supervisor to find: a directory of `conet-driver-NAME` that start the scripted driver.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../dist/programs/scripted-driver.js', import.meta.url))

/** Makes the directory with one program a name. */
export async function driverPrograms(directory: string, names: readonly string[]): Promise<string> {
  await mkdir(directory, { recursive: true })
  for (const name of names) {
    const script = `#!/bin/sh\nSCRIPTED_NAME=${name} exec ${process.execPath} ${main} "$@"\n`
    await writeFile(join(directory, `conet-driver-${name}`), script, { mode: 0o755 })
  }
  return directory
}

/** The arguments that start a scripted driver with node. */
export function scriptedDriverArgv(socket: string): string[] {
  return [main, '--socket', socket]
}
