// What tests that run alone import of the packages, and the programs below, joined into a few files in `test/dist/joined`
// (docs/decisions/0028): each such file is a process, and would find, read and link some 900 modules of the SDK again. All
// are joined at once, so that a process has each module once, whichever way it is imported.
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const thisFile = fileURLToPath(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))
const place = join(root, 'test/dist/joined')
const stamp = join(place, '.joined')
const requireHere = createRequire(import.meta.url)

/** Of `test`: what is imported by files in processes of their own. */
const importing = ['chaos', 'conformance', 'e2e', 'fuzz', 'kernel', 'long', 'support', 'survival', 'zoo']
const packages = ['sdk', 'host', ...readdirSync(join(root, 'drivers')).map((name) => `drivers/${name}`)]
/** What tests start. Those that are checked as vendors have them are not among them. */
const programs = [
  'sdk/dist/conformance/cli/main.js',
  'drivers/routed-example/dist/driver.js',
  'drivers/weave-example/dist/driver.js',
  'test/dist/zoo/kernel/verdict-main.js',
  'test/kernel/bridge/one-life.mjs',
  'test/unit/host/store/writer.mjs',
]
/** They have compiled code, start threads from files of their own, or are loaded by tests too. */
const left = ['koffi', 'lmdb', 'netlink', 'pino', 'piscina', 'etcd3', '@grpc/grpc-js', 'fast-check']

/** Joins them again if a module, or a test that may import another one, is newer. Returns where they are. */
export function joinModules() {
  const newest = Math.max(...inputs().map(changedAt))
  if (changedAt(stamp) > newest) return place
  // A process of its own: rolldown keeps hundreds of megabytes until it ends.
  const { status } = spawnSync(process.execPath, [thisFile, 'now'], { stdio: 'inherit' })
  if (status !== 0) throw new Error('what tests import could not be joined')
  return place
}

/** Of vitest: gives tests the joined modules for those that they name. */
export function joinedModules() {
  return {
    name: 'joined-modules',
    enforce: 'pre',
    async resolveId(id, importer) {
      if (!isOfPackages(id)) return null
      const found = await this.resolve(id, importer, { skipSelf: true })
      const joined = found === null ? undefined : join(place, nameOf(relative(root, found.id)))
      if (joined === undefined || !isBuilt(found.id)) return found
      // A module of its own beside a joined one would be two of the same.
      if (!existsSync(joined)) throw new Error(`${id} is imported by ${importer}, but was not joined`)
      return joined
    },
  }
}

async function joinNow() {
  const begun = new Date()
  const { rolldown } = await import('rolldown')
  const modules = [...new Set([...importedBy(sources()), ...programs.map((path) => join(root, path))])]
  const entries = modules.map((path) => [nameOf(relative(root, path)).replace(/\.js$/, ''), path])
  const joined = await rolldown({
    input: Object.fromEntries(entries),
    platform: 'node',
    external: (id) => left.some((library) => id === library || id.startsWith(`${library}/`)),
    plugins: [places],
  })
  const fresh = `${place}.new`
  rmSync(fresh, { recursive: true, force: true })
  await joined.write({
    dir: fresh,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunk-[name].js',
    sourcemap: true,
  })
  await joined.close()
  rmSync(place, { recursive: true, force: true })
  renameSync(fresh, place)
  writeFileSync(stamp, '')
  // What changes from now on has not been read.
  utimesSync(stamp, begun, begun)
}

/** A module that names files by its own place finds them where it was. */
const places = {
  name: 'places',
  transform(code, id) {
    if (!code.includes('import.meta.')) return null
    const here = `new URL(${JSON.stringify(relative(place, id))}, import.meta.url)`
    const joined = code
      .replaceAll(
        'import.meta.filename',
        `process.getBuiltinModule('node:url').fileURLToPath(import.meta.url)`,
      )
      .replaceAll('import.meta.url', `${here}.href`)
    return { code: joined, map: null }
  },
}

/** The modules of the packages that the files import. */
function importedBy(files) {
  return files.flatMap(importsOf).filter(isBuilt)
}

/** Of the folders, and what they import of others. */
function sources() {
  const found = new Set(importing.flatMap(sourcesBelow))
  for (const file of found)
    for (const imported of importsOf(file)) if (/\.(ts|mjs)$/.test(imported)) found.add(imported)
  return [...found]
}

/** The files of this repository that a file imports. */
function importsOf(file) {
  return [...readFileSync(file, 'utf8').matchAll(/^(?!import type).*(?:from |import\(|import )'([^']+)'/gm)]
    .map(([, id]) => id)
    .filter((id) => id.startsWith('.') || id.startsWith('@conet/'))
    .map((id) => (id.startsWith('.') ? resolve(dirname(file), id) : requireHere.resolve(id)))
    .filter(existsSync)
    .map((path) => realpathSync(path))
}

const isOfPackages = (id) => id.startsWith('@conet/') || /^\.\.\/.*\/dist\//.test(id)

const isBuilt = (path) => packages.some((name) => path.startsWith(join(root, name, 'dist/')))

const nameOf = (path) =>
  path
    .replace('/dist/', '/')
    .replaceAll('/', '-')
    .replace(/\.mjs$/, '.js')

function sourcesBelow(folder) {
  return readdirSync(join(root, 'test', folder), { recursive: true })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => join(root, 'test', folder, name))
}

function inputs() {
  const modules = [...packages, 'test'].flatMap((name) =>
    readdirSync(join(root, name, 'dist'), { recursive: true })
      .filter((file) => file.endsWith('.js') && !/^(programs|joined)/.test(file))
      .map((file) => join(root, name, 'dist', file)),
  )
  const started = programs.map((path) => join(root, path))
  return [...modules, ...sources(), ...started, join(root, 'package-lock.json'), thisFile]
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

if (process.argv[1] === thisFile && process.argv[2] === 'now') await joinNow()
