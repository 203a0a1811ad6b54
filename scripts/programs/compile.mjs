// Has V8 compile what joined programs load at their start, by starting them: apart from this machine's network, with a
// place of their own for files.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const keeper = fileURLToPath(new URL('./keep-compiled.cjs', import.meta.url))
const apart = ['unshare', '--net', '--mount', '--propagation', 'private', '--']
const deadlineMs = 30_000
/** Without what whoever builds says to conet of their own. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CONET_')))

/** A machine that does not let whoever builds go apart gets programs without compiled code: they start later. */
export async function compilePrograms(directory, programs) {
  const place = mkdtempSync(join(tmpdir(), 'conet-build-'))
  try {
    const starts = Object.entries(programs)
    const servers = starts.filter(([, { serve }]) => serve !== undefined)
    const ends = []
    for (const [name, { serve }] of servers) ends.push(await start(directory, name, serve(place, name)))
    for (const [name, { ask }] of starts) if (ask !== undefined) run(directory, name, ask(place))
    for (const end of ends) await end()
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

async function start(directory, name, { args, socket }) {
  const child = spawn(apart[0], [...apart.slice(1), ...commandOf(directory, name, args)], {
    stdio: 'ignore',
    env,
  })
  const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve))
  const mostMs = Date.now() + deadlineMs
  while (!existsSync(socket) && child.exitCode === null && Date.now() < mostMs) await delay(20)
  return async () => {
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), deadlineMs)
    await ended
    clearTimeout(late)
  }
}

function run(directory, name, { args, input = '' }) {
  spawnSync(apart[0], [...apart.slice(1), ...commandOf(directory, name, args)], {
    input,
    env,
    timeout: deadlineMs,
  })
}

function commandOf(directory, name, args) {
  return [process.execPath, keeper, directory, name, ...args]
}
