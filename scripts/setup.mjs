// Sets up what a clone lacks: npm packages, the build. Quiet when there is nothing to do.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const root = new URL('..', import.meta.url).pathname

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) {
    console.error(`setup: ${command} ${args.join(' ')} failed`)
    process.exit(1)
  }
}

if (!existsSync(`${root}/node_modules/.package-lock.json`)) run('npm', ['install'])
run('npx', ['tsc', '-b'])
