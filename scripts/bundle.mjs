// Joins the modules of each program into a few files in its package's `dist/programs`, which its bin loads, and has V8
// compile them: finding, reading and compiling 1,400 files was most of the start of conetd (docs/decisions/0021). Build
// first. Quick when nothing has changed.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compilePrograms } from './programs/compile.mjs'
import { programs } from './programs/programs.mjs'

const thisFile = fileURLToPath(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))

/** They have compiled code, or start threads from files of their own. The last two are loaded by few. */
const left = ['koffi', 'lmdb', 'netlink', 'pino', 'piscina', 'etcd3', '@grpc/grpc-js']

/** Joins them all again if a module of ours, or a library, is newer than what was joined last. */
export function bundlePrograms() {
  const newest = Math.max(...inputs().map(changedAt))
  if (Object.keys(programs).every((name) => changedAt(stampOf(name)) > newest)) return
  // A process of its own: rolldown keeps hundreds of megabytes until it ends.
  const { status } = spawnSync(process.execPath, [thisFile, 'now'], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the programs could not be joined')
}

async function bundleNow() {
  const { rolldown } = await import('rolldown')
  for (const name of Object.keys(programs)) await bundle(rolldown, name)
}

/** What a module starts as a thread, from a file beside it, is beside the program under the same name. */
const threads = {
  name: 'threads',
  moduleParsed({ id, code }) {
    for (const [, path, name] of code?.matchAll(
      /new URL\('(\.\/([\w-]+-worker\.js))', import\.meta\.url\)/g,
    ) ?? [])
      this.emitFile({ type: 'chunk', id: join(dirname(id), path), fileName: name })
  },
}

async function bundle(rolldown, name) {
  const entries = Object.entries(programs[name]).map(([title, { main }]) => [title, join(root, main)])
  const joined = await rolldown({
    input: Object.fromEntries(entries),
    platform: 'node',
    external: (id) => left.some((library) => id === library || id.startsWith(`${library}/`)),
    plugins: [threads],
  })
  const directory = join(root, name, 'dist/programs.new')
  rmSync(directory, { recursive: true, force: true })
  // With the hash of what is in it: code that was compiled of another file is never taken for its own.
  const hashed = '[name]-[hash].js'
  const { output } = await joined.write({
    dir: directory,
    format: 'cjs',
    entryFileNames: hashed,
    chunkFileNames: hashed,
    sourcemap: true,
    charset: 'ascii',
    comments: { legal: true, annotation: false, jsdoc: false },
  })
  await joined.close()
  assertFound(directory, output)
  writeStarts(directory, output)
  await compilePrograms(directory, programs[name])
  exchange(directory, join(root, name, 'dist/programs'))
  writeFileSync(stampOf(name), '')
}

/** What a program's bin loads. */
function writeStarts(directory, output) {
  writeFileSync(join(directory, 'package.json'), '{"type":"commonjs"}\n')
  copyFileSync(join(root, 'scripts/programs/load.cjs'), join(directory, 'load.cjs'))
  for (const { isEntry, name, fileName } of output)
    if (isEntry && fileName !== `${name}.js`)
      writeFileSync(join(directory, `${name}.js`), `require('./load.cjs').load('${name}', '${fileName}')\n`)
}

/** A program that is started meanwhile finds all of the one or all of the other. */
function exchange(directory, place) {
  const former = `${place}.old`
  rmSync(former, { recursive: true, force: true })
  if (existsSync(place)) renameSync(place, former)
  renameSync(directory, place)
  rmSync(former, { recursive: true, force: true })
}

/** A file that a module names by its own place must be at the same place from where the module is now. */
function assertFound(directory, output) {
  const named = output.flatMap(({ code = '' }) => [
    ...code.matchAll(/new URL\("(\.[^"]*)", require\("url"\)/g),
  ])
  for (const [expression, path] of named)
    if (!existsSync(join(directory, path)))
      throw new Error(`${directory}: nothing is where ${expression} says`)
}

function stampOf(name) {
  return join(root, name, 'dist/programs/.joined')
}

function inputs() {
  const modules = ['sdk', ...Object.keys(programs)].flatMap((name) =>
    readdirSync(join(root, name, 'dist'), { recursive: true })
      .filter((file) => file.endsWith('.js') && !/^(programs|joined)/.test(file))
      .map((file) => join(root, name, 'dist', file)),
  )
  const ours = readdirSync(join(root, 'scripts/programs')).map((file) => join(root, 'scripts/programs', file))
  return [...modules, ...ours, join(root, 'package-lock.json'), thisFile]
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

if (process.argv[1] === thisFile) {
  if (process.argv[2] === 'now') await bundleNow()
  else bundlePrograms()
}
