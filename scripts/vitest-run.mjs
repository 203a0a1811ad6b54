// One run of vitest: in namespaces of its own if wanted, ended with all its children after a deadline.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const vitest = 'node_modules/vitest/vitest.mjs'
const graceMs = 5_000
const mostOutput = 1_000_000
const running = new Set()

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
const unshare = ['unshare', '--net', '--mount', '--propagation', 'private']

/** Resolves to the counts, whatever happens: a run that hangs or leaves no report counts as one failure. */
export async function runVitest(files, { testDir, reports, isolated, deadlineMs }) {
  const report = join(reports, `${files[0].replaceAll('/', '-')}.json`)
  const vitestArgs = ['--root', testDir, '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`]
  // Unit tests keep nothing between them, so they share processes and load each module once.
  const sharing = isolated ? [] : ['--no-isolate']
  const command = [process.execPath, join(testDir, '..', vitest), 'run', ...vitestArgs, ...sharing, ...files]
  const argv = isolated ? [...unshare, 'sh', '-c', prepare, 'sh', ...command] : command
  const start = performance.now()
  const { code, output } = await runToTheEnd(argv, testDir, deadlineMs)
  const title = files.length === 1 ? files[0] : `${files.length} files`
  const seconds = (performance.now() - start) / 1_000
  return { title, seconds, output, ...countsOf(report, code) }
}

/** Ends what runs, when the person at the terminal has had enough. */
export function endAllRuns() {
  for (const child of running) endGroup(child, 'SIGKILL')
}

function runToTheEnd([program, ...args], cwd, deadlineMs) {
  return new Promise((resolve) => {
    // A process group of its own, so that its children can be ended with it.
    const env = { ...process.env, NO_COLOR: '1' }
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    running.add(child)
    let output = ''
    const keep = (data) => {
      output = (output + data).slice(-mostOutput)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const deadline = setTimeout(() => {
      keep(`\nno end after ${deadlineMs / 1_000} s: killed\n`)
      endGroup(child, 'SIGKILL')
    }, deadlineMs)
    // Not `close`: a process that a test has left behind may hold the pipes open.
    child.on('exit', (code) => {
      const drained = setTimeout(finish, graceMs)
      child.on('close', finish)
      function finish() {
        clearTimeout(deadline)
        clearTimeout(drained)
        running.delete(child)
        endGroup(child, 'SIGKILL')
        child.stdout.destroy()
        child.stderr.destroy()
        resolve({ code, output })
      }
    })
    child.on('error', (error) => {
      clearTimeout(deadline)
      running.delete(child)
      resolve({ code: 1, output: error.message })
    })
  })
}

function endGroup({ pid }, signal) {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // The usual case: nothing of the group is left.
    if (error.code !== 'ESRCH') throw error
  }
}

function countsOf(report, code) {
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites, success } = JSON.parse(
      readFileSync(report, 'utf8'),
    )
    // A file that could not be loaded, or an error outside the tests, fails without a failed test.
    const failures = Math.max(numFailedTests, success && code === 0 ? 0 : 1)
    const isSuiteOnly = numFailedTests === 0
    return {
      passed: numPassedTests,
      failed: isSuiteOnly ? Math.max(failures, numFailedTestSuites) : failures,
    }
  } catch {
    // No report: it crashed or was killed.
    return { passed: 0, failed: 1 }
  }
}
