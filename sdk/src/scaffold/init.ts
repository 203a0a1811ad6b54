// A new driver's folder, from the template that the package carries.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isErrno } from '../errno.ts'
import { ConetError } from '../errors/index.ts'
import { driverNamePattern } from '../protocol/index.ts'

/** The template is a driver of this name; it works as it stands. */
const templateName = 'my-driver'
const templateFunction = 'myDriver'
const template = fileURLToPath(new URL('../../template', import.meta.url))

/** What was made. */
export type NewDriver = { readonly folder: string; readonly name: string; readonly files: readonly string[] }

/**
 * Writes a driver into a folder that is empty or not there. Rejects with a ConetError: `invalidArgument` for a name
 * that no driver may have, `failedPrecondition` for a folder with something in it; nothing is written then.
 */
export async function initDriver(path: string, name = basename(resolve(path))): Promise<NewDriver> {
  const folder = resolve(path)
  assertName(name)
  await assertEmpty(folder)
  const files = await templateFiles()
  for (const file of files) await copy(file, folder, name)
  return { folder, name, files: files.map((file) => renamed(file, name)) }
}

function assertName(name: string): void {
  if (new RegExp(driverNamePattern).test(name)) return
  const message =
    'must be 1 to 63 lower-case letters, digits, dots and dashes, the first and last a letter or digit'
  throw new ConetError('invalidArgument', `make a driver "${name}": its name ${message}`, {
    fields: [{ path: 'name', message }],
    help: 'Choose another folder, or say --name NAME.',
  })
}

async function assertEmpty(folder: string): Promise<void> {
  const [first] = await entriesOf(folder)
  if (first === undefined) return
  throw new ConetError('failedPrecondition', `make a driver in ${folder}: "${first}" is there already`, {
    help: 'Choose a folder that is empty or not there.',
  })
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return []
    if (!isErrno(cause, 'ENOTDIR')) throw cause
    throw new ConetError('failedPrecondition', `make a driver in ${folder}: it is no folder`, { cause })
  }
}

async function templateFiles(): Promise<string[]> {
  const entries = await readdir(template, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => join(entry.parentPath, entry.name).slice(template.length + 1)).sort()
}

/** Fails rather than writes over something that came in between. */
async function copy(file: string, folder: string, name: string): Promise<void> {
  const target = join(folder, renamed(file, name))
  const text = await readFile(join(template, file), 'utf8')
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, renamed(text, name), { flag: 'wx' })
}

function renamed(text: string, name: string): string {
  return text.replaceAll(templateName, name).replaceAll(templateFunction, functionNameOf(name))
}

/** `my-driver` → `myDriver`; a name may begin with a digit, a function may not. */
function functionNameOf(name: string): string {
  const words = name.split(/[.-]+/).map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
  const camel = words.join('')
  return /^\d/.test(camel) ? `driver${camel}` : `${camel.slice(0, 1).toLowerCase()}${camel.slice(1)}`
}
