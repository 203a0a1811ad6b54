// A file that is replaced as a whole: after a crash, of the process or of the machine, it has the old content or the
// new one, and never a part.
import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const forOwner = 0o600

/** Resolves when the content would survive a power failure. One writer at a time; a leftover of a crash is replaced. */
export async function replaceDurably(path: string, content: string): Promise<void> {
  const directory = dirname(path)
  const draft = join(directory, `.${basename(path)}.draft`)
  await rm(draft, { force: true })
  await using file = await open(draft, 'wx', forOwner)
  await file.writeFile(content)
  // Before the rename: else the name could be durable and what it names not.
  await file.sync()
  await rename(draft, path)
  await syncDirectory(directory)
}

/** The rename itself is durable only with its directory. */
async function syncDirectory(directory: string): Promise<void> {
  await using handle: FileHandle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  await handle.sync()
}
