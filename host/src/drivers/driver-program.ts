// Where the program of a bundled driver is: `conet-driver-NAME`. It starts nothing.
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { ConetError } from '@conet/sdk'
import { faultOfForm, forms } from '@conet/sdk/forms'

export type ProgramPlaces = {
  /** Configured directories; they come first. */
  readonly directories: readonly string[]
  /** `node_modules/.bin` is looked for here and in the directories above. */
  readonly packageDirectory: string
  /** The PATH variable; its relative members are left out. */
  readonly path: string
}

/** The absolute path of the program. Throws `invalidArgument` for what is no name, `notFound` with the places. */
export async function findDriverProgram(name: string, places: ProgramPlaces): Promise<string> {
  assertDriverName(name)
  const program = `conet-driver-${name}`
  const directories = searchDirectories(places)
  for (const directory of directories) {
    const candidate = join(directory, program)
    if (await isExecutable(candidate)) return candidate
  }
  const looked = directories.join(', ')
  throw new ConetError('notFound', `start driver "${name}": no ${program} in ${looked}`, {
    details: { program, looked: directories },
    help: `Install the package that has ${program}, or name its directory in the configuration.`,
  })
}

export function assertDriverName(name: string): void {
  const fault = faultOfForm(name, forms.driverName)
  if (fault === undefined) return
  throw new ConetError('invalidArgument', `start a driver: its name ${fault}`, {
    fields: [{ path: 'spawn', message: fault }],
  })
}

function searchDirectories({ directories, packageDirectory, path }: ProgramPlaces): string[] {
  const bins: string[] = []
  for (let directory = resolve(packageDirectory); ; directory = dirname(directory)) {
    bins.push(join(directory, 'node_modules', '.bin'))
    if (directory === dirname(directory)) break
  }
  const fromPath = path.split(delimiter).filter((directory) => directory.startsWith('/'))
  return [...new Set([...directories.map((directory) => resolve(directory)), ...bins, ...fromPath])]
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
