// A process in which vitest runs tests: of one file in namespaces of its own, or of many. Ended after a deadline, and
// with everything that it has started.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

// Loopback is up on every machine; a fresh namespace starts with it down, and with /sys of the namespace outside. The
// control groups below /sys stay, for runtimes.
const prepare = `
  set -e
  groups=$(mktemp -d)
  mount --rbind /sys/fs/cgroup "$groups"
  mount -t sysfs sysfs /sys
  mount --move "$groups" /sys/fs/cgroup
  rmdir "$groups"
  ip link set lo up
  exec "$@"`
const inNamespaces = ['unshare', '--net', '--mount', '--propagation', 'private', 'sh', '-c', prepare, 'sh']
const graceMs = 1_000
const running = new Set()

/** For a person who has had enough. */
export function endAllTestProcesses() {
  for (const child of running) endGroup(child)
}

/** What vitest calls a pool: `said(file, text)` hears what the tests write. */
export function testProcesses({ isolated, deadlineMs, said }) {
  const name = isolated ? 'isolated-processes' : 'processes'
  return {
    name,
    createPoolWorker: (options) => new TestProcess(name, options, { isolated, deadlineMs, said }),
  }
}

class TestProcess {
  /** Vitest keeps what it has transformed in files, which all its processes read. */
  cacheFs = true
  #argv
  #cwd
  #env
  #deadlineMs
  #said
  #child
  #deadline
  #file

  constructor(name, { distPath, project, env, execArgv }, { isolated, deadlineMs, said }) {
    this.name = name
    const node = [process.execPath, ...execArgv, join(distPath, 'workers/forks.js')]
    this.#argv = isolated ? [...inNamespaces, ...node] : node
    this.#cwd = project.config.root
    // The same colours on every terminal: none.
    this.#env = { ...env, NO_COLOR: '1', FORCE_TTY: '' }
    this.#deadlineMs = deadlineMs
    this.#said = said
  }

  async start() {
    const [program, ...args] = this.#argv
    const stdio = ['ignore', 'pipe', 'pipe', 'ipc']
    // A process group of its own, so that its children can be ended with it.
    const options = { cwd: this.#cwd, env: this.#env, detached: true }
    this.#child = spawn(program, args, { ...options, stdio, serialization: 'advanced' })
    running.add(this.#child)
    this.#child.once('exit', () => this.#clear())
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding('utf8').on('data', (text) => this.#said(this.#file, text))
  }

  send(message) {
    if (message.type === 'run') this.#begin(message.context.files[0].filepath)
    this.#child.send(message)
  }

  on(event, callback) {
    this.#child.on(event, callback)
  }

  off(event, callback) {
    this.#child.off(event, callback)
  }

  deserialize(data) {
    return data
  }

  async stop() {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) return
    const end = once(this.#child, 'exit')
    endGroup(this.#child)
    await end
  }

  /** However it has ended. */
  #clear() {
    clearTimeout(this.#deadline)
    endGroup(this.#child)
    running.delete(this.#child)
    // Not all on `close`: a process in a group of its own that a test has left behind may hold them open.
    const { stdout, stderr } = this.#child
    setTimeout(() => [stdout, stderr].map((stream) => stream.destroy()), graceMs).unref()
  }

  /** Many files, one after the other, have a deadline each. */
  #begin(file) {
    this.#file = file
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(() => {
      this.#said(file, `no end after ${this.#deadlineMs / 1_000} s: killed\n`)
      endGroup(this.#child)
    }, this.#deadlineMs)
  }
}

function endGroup({ pid }) {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // The usual case: nothing of the group is left.
    if (error.code !== 'ESRCH') throw error
  }
}
