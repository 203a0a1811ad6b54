// Joins the modules of each program into a few files in its package's `dist/programs`, which its bin loads: finding and
// reading 1,400 files was most of the start of conetd (docs/decisions/0021). Build first. Quick when nothing has changed.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const thisFile = fileURLToPath(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))

/** Of each package its programs, by the names of their files. */
const programs = {
  host: { conetd: 'host/dist/conetd/main.js', conet: 'host/dist/cli/main.js' },
  'drivers/null': { driver: 'drivers/null/dist/main.js' },
  'drivers/bridge': { driver: 'drivers/bridge/dist/main.js' },
  'drivers/vxlan': { driver: 'drivers/vxlan/dist/main.js' },
  test: {
    'fake-driver': 'test/dist/support/fake-driver-program.js',
    'scripted-driver': 'test/dist/support/scripted-driver-main.js',
    zoo: 'test/dist/zoo/main.js',
    keeper: 'test/dist/zoo/keeper-main.js',
  },
}

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
  const entries = Object.entries(programs[name]).map(([title, file]) => [title, join(root, file)])
  const joined = await rolldown({
    input: Object.fromEntries(entries),
    platform: 'node',
    external: (id) => left.some((library) => id === library || id.startsWith(`${library}/`)),
    plugins: [threads],
  })
  const directory = join(root, name, 'dist/programs')
  rmSync(directory, { recursive: true, force: true })
  const { output } = await joined.write({
    dir: directory,
    chunkFileNames: '[name].js',
    sourcemap: true,
    charset: 'ascii',
    comments: { legal: true, annotation: false, jsdoc: false },
  })
  await joined.close()
  assertFound(directory, output)
  writeFileSync(stampOf(name), '')
}

/** A file that a module names by its own place must be at the same place from where the module is now. */
function assertFound(directory, output) {
  const named = output.flatMap(({ code = '' }) => [
    ...code.matchAll(/new URL\("(\.[^"]*)", import\.meta\.url\)/g),
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
      .filter((file) => file.endsWith('.js') && !file.startsWith('programs'))
      .map((file) => join(root, name, 'dist', file)),
  )
  return [...modules, join(root, 'package-lock.json'), thisFile]
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

if (process.argv[1] === thisFile) {
  if (process.argv[2] === 'now') await bundleNow()
  else bundlePrograms()
}
