// Sets up what a clone on a fresh machine lacks: Debian packages, npm packages, the build. Quiet, quick when there is
// nothing to do, and safe when two run at once. `node scripts/setup.mjs [demo|test|bench]`: for one purpose only.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { openSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const oldestNode = [20, 19]

function say(text) {
  process.stderr.write(`setup: ${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const isNewEnough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
  if (!isNewEnough) fail(`Node ${oldestNode.join('.')} or newer is needed, this is ${process.versions.node}`)
}

/** Until this process ends. The lock is on the clone's own directory, so it leaves no file. */
function lock() {
  const descriptor = openSync(root, 'r')
  const held = spawnSync('flock', ['3'], { stdio: ['ignore', 'inherit', 'inherit', descriptor] })
  if (held.error || held.status !== 0) fail(`cannot lock ${root}: ${held.error?.message ?? 'flock failed'}`)
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
  if (result.error) fail(`${command}: ${result.error.message}`)
  if (result.status === 0) return
  process.stderr.write(`${result.stdout}${result.stderr}`)
  fail(`${command} ${args.join(' ')} failed`)
}

/** Not `npm ci`: the lock may lack the optional packages of this platform. */
function installPackages() {
  const stamp = join(root, 'node_modules', '.conet-setup')
  if (changedAt(stamp) > changedAt(join(root, 'package-lock.json'))) return
  say('installing npm packages')
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'])
  writeFileSync(stamp, '')
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

checkNode()
lock()
// Beside the rest. If that fails it goes on to its end: dpkg is not to be interrupted.
const debian = spawn(
  process.execPath,
  [join(root, 'scripts', 'debian-packages.mjs'), ...process.argv.slice(2, 3)],
  { stdio: ['ignore', 'inherit', 'inherit'] },
)
const debianEnd = once(debian, 'exit')
installPackages()
run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'])
run(process.execPath, [join(root, 'scripts', 'bundle.mjs')])
const [code] = await debianEnd
if (code !== 0) process.exit(1)
