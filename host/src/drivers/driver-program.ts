// Where the program of a bundled driver is: `conet-driver-NAME`. It starts nothing.
import { constants } from 'node:fs'
import { access, readdir } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { ConetError } from '@conet/sdk'
import { faultOfForm, forms } from '@conet/sdk/forms'
import { assertTrustedProgram, trustOf } from './program-trust.ts'

export type ProgramPlaces = {
  /** Configured directories; they come first. */
  readonly directories: readonly string[]
  /** conet's own: `node_modules/.bin` of the tree that it is installed in comes next. */
  readonly packageDirectory: string
  /** The PATH variable; its relative members are left out. */
  readonly path: string
}

const prefix = 'conet-driver-'

/**
 * The absolute path of the program. Throws `invalidArgument` for what is no name, `notFound` with the places and what is
 * there, `failedPrecondition` for a program that somebody else could change.
 */
export async function findDriverProgram(name: string, places: ProgramPlaces): Promise<string> {
  assertDriverName(name)
  const program = `${prefix}${name}`
  const directories = searchDirectories(places)
  for (const directory of directories) {
    const candidate = join(directory, program)
    if (!(await isExecutable(candidate))) continue
    await assertTrustedProgram(candidate, await trustOf(places.packageDirectory))
    return candidate
  }
  throw missing(name, directories, await knownDrivers(directories))
}

export function assertDriverName(name: string): void {
  const fault = faultOfForm(name, forms.driverName)
  if (fault === undefined) return
  throw new ConetError('invalidArgument', `start a driver: its name ${fault}`, {
    fields: [{ path: 'spawn', message: fault }],
  })
}

function missing(name: string, looked: readonly string[], known: readonly string[]): ConetError {
  const program = `${prefix}${name}`
  const what = `start driver "${name}": no ${program} in ${looked.join(', ')}`
  return new ConetError('notFound', `${what}; known drivers: ${known.join(', ') || 'none'}`, {
    details: { program, looked, known },
    help: `Install the package that has ${program}, or name its directory as driver_program_dirs in the configuration.`,
  })
}

function searchDirectories({ directories, packageDirectory, path }: ProgramPlaces): string[] {
  const bins = treeOf(resolve(packageDirectory)).map((directory) => join(directory, 'node_modules', '.bin'))
  const fromPath = path.split(delimiter).filter((directory) => directory.startsWith('/'))
  return [...new Set([...directories.map((directory) => resolve(directory)), ...bins, ...fromPath])]
}

/** From the package up to the directory whose `node_modules` it is in, or to its workspace: no further. */
function treeOf(packageDirectory: string): string[] {
  const outermost = packageDirectory.indexOf('/node_modules/')
  const top = outermost === -1 ? dirname(packageDirectory) : packageDirectory.slice(0, outermost) || '/'
  const tree = [packageDirectory]
  for (let at = packageDirectory; at !== top; ) {
    at = dirname(at)
    tree.push(at)
  }
  return tree
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    // Not there or not for us: the next place may have it, and the final error names all places.
    return false
  }
}

/** The names of the drivers whose programs are there. */
async function knownDrivers(directories: readonly string[]): Promise<string[]> {
  const files = await Promise.all(directories.map(namesIn))
  const names = files.flat().filter((file) => file.startsWith(prefix))
  return [...new Set(names.map((file) => file.slice(prefix.length)))].sort()
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch {
    // A directory of PATH that is not there is none of our business.
    return []
  }
}
