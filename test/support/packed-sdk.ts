// The SDK as a vendor gets it: packed, and installed by npm in an empty folder. No network is needed: npm gets the
// libraries of others by way of links to those that are installed here.
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from './repository.ts'

const run = promisify(execFile)

/** Packs the SDK as it is built; resolves to the path of the tarball. */
export async function packSdk(directory: string): Promise<string> {
  // Its prepack would build dist anew, below the feet of other tests.
  const options = ['--ignore-scripts', '--silent', '--pack-destination', directory]
  const { stdout } = await run('npm', ['pack', ...options], { cwd: join(repository, 'sdk') })
  return join(directory, stdout.trim())
}

/** The names of all files in the tarball. */
export async function filesOf(tarball: string): Promise<string[]> {
  const { stdout } = await run('tar', ['-tzf', tarball])
  return stdout.trim().split('\n').sort()
}

/** Installs the tarball, and nothing else of this repository, in a folder that may have a package.json already. */
export async function installSdk(folder: string, tarball: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const manifest = join(folder, 'package.json')
  const own = JSON.parse(await readFile(manifest, 'utf8').catch(() => '{"private":true,"type":"module"}'))
  const { dependencies } = JSON.parse(await readFile(join(repository, 'sdk/package.json'), 'utf8'))
  const link = (name: string) => [name, `file:${join(repository, 'node_modules', name)}`]
  const changed = {
    ...own,
    dependencies: { '@conet/sdk': `file:${tarball}` },
    // What the author needs to write TypeScript; also the template's own.
    devDependencies: Object.fromEntries([link('@types/node')]),
    overrides: Object.fromEntries(Object.keys(dependencies).map(link)),
  }
  await writeFile(manifest, JSON.stringify(changed))
  const options = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']
  await run('npm', ['install', ...options, '--cache', join(folder, '.npm')], { cwd: folder })
}

/** Throws what the compiler says. */
export async function typeCheck(folder: string, args: readonly string[]): Promise<void> {
  const tsc = join(repository, 'node_modules/.bin/tsc')
  await run(tsc, [...args, '--checkers', '1'], { cwd: folder }).catch((error: { stdout?: string }) => {
    throw new Error(`tsc ${args.join(' ')}:\n${error.stdout}`)
  })
}
