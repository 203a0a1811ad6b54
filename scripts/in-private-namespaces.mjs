// Runs a compiled program of test/ in network and mount namespaces of its own, so that nothing it does reaches the
// machine. The exit code is the program's.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { bundlePrograms } from './bundle.mjs'

// Loopback is up on every machine; a fresh namespace starts with it down.
const prepare = 'ip link set lo up && exec "$@"'

export function runInPrivateNamespaces(program, args) {
  if (process.getuid() !== 0) {
    console.error('this needs root: it makes network namespaces')
    process.exit(1)
  }
  bundlePrograms()
  const file = fileURLToPath(new URL(`../test/dist/${program}`, import.meta.url))
  const command = ['sh', '-c', prepare, 'sh', process.execPath, file, ...args]
  const child = spawn('unshare', ['--net', '--mount', '--propagation', 'private', ...command], {
    stdio: 'inherit',
  })
  // Ctrl-C reaches the program too, which cleans up: wait for it. What only this process got is passed on.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', (error) => {
    console.error(error.message)
    process.exitCode = 1
  })
  child.on('exit', (code) => {
    process.exitCode = code ?? 1
  })
}
