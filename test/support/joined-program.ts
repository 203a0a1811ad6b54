// A program that tests start often, loaded from a few files instead of hundreds (docs/decisions/0028).
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './repository.ts'

/** The program with that path below the repository, as `npm test` has joined it; in an editor's run as it is. */
export function joinedProgram(path: string): string {
  const joined = process.env.CONET_TEST_JOINED
  if (joined === undefined) return join(repository, path)
  const file = join(
    joined,
    path
      .replace('/dist/', '/')
      .replaceAll('/', '-')
      .replace(/\.mjs$/, '.js'),
  )
  if (!existsSync(file))
    throw new Error(`${path} was not joined: it is not among those of joined-modules.mjs`)
  return file
}
