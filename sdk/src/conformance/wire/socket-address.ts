// What connect(2) takes for the path of a socket: one that is too long is reached through its directory, so that the
// kit can say what is wrong with it.
import { closeSync, constants, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'

/** sun_path of unix(7) has 108 bytes, the last one is the terminating zero. */
const mostBytes = 107

/** To be disposed of when the connection stands. Throws if the directory is not there. */
export function addressOf(path: string): Disposable & { readonly path: string } {
  if (Buffer.byteLength(path) <= mostBytes) return { path, [Symbol.dispose]: () => undefined }
  const directory = openSync(dirname(path), constants.O_DIRECTORY)
  return {
    path: `/proc/self/fd/${directory}/${basename(path)}`,
    [Symbol.dispose]: () => closeSync(directory),
  }
}
