// What conetd is told that makes no sense, and places in which it cannot live: it says so, in a sentence that names
// the setting or the path, and ends; what is not its own stays as it is.
import { execFile, execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConetdProcess, conetdProgram } from '../support/conetd-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { httpCall } from '../support/unix-http.ts'

type Outcome = { code: number | string; out: string; err: string }

/** One that should not start is killed when it does. */
function conetd(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: 10_000, killSignal: 'SIGKILL' } as const
    const child = execFile(process.execPath, [conetdProgram, ...args], options, (_error, out, err) =>
      resolve({ code: child.exitCode ?? child.signalCode ?? 'none', out, err }),
    )
  })
}

async function expectRefusal(outcome: Promise<Outcome>, code: 1 | 2, named: string): Promise<void> {
  const { code: ended, out, err } = await outcome
  // Its log comes first where it got as far as to listen.
  const said = err.replace(/^\{.*\n/gm, '')
  expect({ ended, out, err }).toMatchObject({ ended: code, out: '' })
  expect(said).toContain(named)
  expect(said).not.toMatch(/^ +at /m)
}

/** On directories of its own, none of which is there yet. */
const withSpawn = (directory: string, names: string, config = join(directory, 'none')) =>
  conetd([
    ...['--run-dir', join(directory, 'run'), '--state-dir', join(directory, 'state')],
    ...['--spawn', names, ...(existsSync(config) ? ['--config', config] : [])],
  ])

describe('drivers to start', () => {
  it('of which some are not there: names these and the known ones, before it makes or serves anything', async () => {
    await using directory = await temporaryDirectory()
    const { code, err } = await withSpawn(directory.path, 'nosuch,null,nosuch2')
    expect(code).toBe(1)
    expect(err).toContain('no conet-driver-nosuch in')
    expect(err).toContain('no conet-driver-nosuch2 in')
    expect(err).toMatch(/known drivers: bridge, null, .*vxlan/)
    expect(err).not.toContain('listening')
    expect(readdirSync(directory.path)).toEqual([])
  })

  it('are not started by a conetd that cannot listen', async () => {
    await using directory = await temporaryDirectory()
    const places = ['--run-dir', join(directory.path, 'run'), '--state-dir', join(directory.path, 'state')]
    const nowhere = join(directory.path, 'none')
    await expectRefusal(
      conetd([...places, '--spawn', 'null', '--socket', join(nowhere, 'x.sock')]),
      1,
      nowhere,
    )
    const records = join(directory.path, 'run/spawned')
    const started = existsSync(records) ? readdirSync(records) : []
    await conetd(['--stop-drivers', ...places])
    expect(started).toEqual([])
  })

  it('whose program others may write to is refused with the path, its mode, its owner and what to do', async () => {
    await using directory = await temporaryDirectory()
    const bin = join(directory.path, 'bin')
    const program = join(bin, 'conet-driver-x')
    mkdirSync(bin)
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 })
    chmodSync(program, 0o777)
    const config = join(directory.path, 'c.json')
    writeFileSync(config, JSON.stringify({ driver_program_dirs: [bin] }))
    const { code, err } = await withSpawn(directory.path, 'x', config)
    expect(code).toBe(1)
    expect(err).toContain(`${program} is writable by others (mode 0777, uid 0)`)
    expect(err).toContain(`can be trusted: chmod o-w ${program}.`)
    expect(err).not.toContain('listening')
  })
})

/** More of them, in one process: unit/host/conetd/wrong-settings.test.ts. */
describe('settings', () => {
  it.each<[string, string[], string]>([
    ['an unknown flag', ['--bogus'], "conetd: unknown option '--bogus'"],
    ['a driver with a path in its name', ['--spawn', '../x'], 'spawn[0]'],
    ['a file that is not there', ['--config', '/none.json'], '/none.json'],
  ])('%s: ends with 2 and names it', (_what, args, named) => expectRefusal(conetd(args), 2, named))

  it.each<[string, string]>([
    ['{"spawn": [', 'not JSON'],
    ['{"timeouts": {"stop_ms": -1}}', 'timeouts.stop_ms'],
  ])('the configuration file %s: ends with 2 and names the key', async (text, named) => {
    await using directory = await temporaryDirectory()
    const config = join(directory.path, 'conetd.json')
    writeFileSync(config, text)
    await expectRefusal(conetd(['--config', config]), 2, named)
  })

  it('of the environment are named as such', async () => {
    await expectRefusal(conetd([], { CONET_LOG_LEVEL: 'loud' }), 2, 'CONET_')
  })
})

describe('a place', () => {
  const args = (state: string, run: string, ...more: string[]) =>
    conetd(['--state-dir', state, '--run-dir', run, ...more])

  it('that is a file, below a file, or where nobody can make one: ends with 1 and names it', async () => {
    await using directory = await temporaryDirectory()
    const at = (name: string) => join(directory.path, name)
    writeFileSync(at('file'), 'mine')
    await expectRefusal(args(at('file'), at('run')), 1, at('file'))
    await expectRefusal(args(at('state'), at('file')), 1, at('file'))
    await expectRefusal(args(at('file/below'), at('run')), 1, at('file/below'))
    await expectRefusal(args('/proc/none', at('run')), 1, '/proc/none')
    expect(readFileSync(at('file'), 'utf8')).toBe('mine')
  })

  it.each(['state', 'run'])(
    'that has no room for its %s: says that it is full, and is not killed by it',
    async (which) => {
      await using directory = await temporaryDirectory()
      const at = (name: string) => join(directory.path, name)
      mkdirSync(at('tiny'))
      const mount = `mount -t tmpfs -o size=64k tmpfs ${at('tiny')} && head -c 61440 /dev/zero > ${at('tiny/fill')}`
      execFileSync('sh', ['-ec', mount])
      try {
        const places = which === 'state' ? [at('tiny/s'), at('run')] : [at('state'), at('tiny/r')]
        await expectRefusal(args(places[0] ?? '', places[1] ?? ''), 1, 'no space left')
      } finally {
        execFileSync('umount', [at('tiny')])
      }
    },
  )

  it('in which no directory can be made any more: says that it is full, and takes away those that it made', async () => {
    await using directory = await temporaryDirectory()
    const at = (name: string) => join(directory.path, name)
    mkdirSync(at('tiny'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=3', 'tmpfs', at('tiny')])
    try {
      const started = args(at('tiny/a/state'), at('tiny/b'))
      await expectRefusal(started, 1, 'no space left')
      expect((await started).err).toContain('then try again')
      expect(readdirSync(at('tiny'))).toEqual([])
    } finally {
      execFileSync('umount', [at('tiny')])
    }
  })

  it('in which no room is left when it is to stop: stops with 0, and says what it could not write', async () => {
    await using directory = await temporaryDirectory()
    const at = (name: string) => join(directory.path, name)
    mkdirSync(at('run'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', at('run')])
    try {
      await using running = await ConetdProcess.start({ directory: directory.path, spawn: [] })
      for (let n = 0; n < 100; n++) {
        const configured = { method: 'PUT', path: `/containers/c${n}/config`, body: { attach_to: [] } }
        expect((await httpCall(running.socket, configured)).status).toBeLessThan(300)
      }
      execFileSync('sh', ['-c', `head -c 8388608 /dev/zero > ${at('run/fill')} 2> ${at('full')}; true`])
      process.kill(running.pid, 'SIGTERM')
      const code = await running.ended()
      const log = readFileSync(running.logFile, 'utf8')
      expect({ code, log }).toMatchObject({
        code: 0,
        log: expect.stringContaining('will not know the events'),
      })
      expect(log).not.toMatch(/^ +at /m)
    } finally {
      execFileSync('umount', ['--lazy', at('run')])
    }
  })

  it('that cannot be written to: ends with 1 and names it', async () => {
    await using directory = await temporaryDirectory()
    const at = (name: string) => join(directory.path, name)
    mkdirSync(at('ro'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', at('ro')])
    try {
      await expectRefusal(args(at('ro/state'), at('run')), 1, at('ro/state'))
      await expectRefusal(args(at('state'), at('ro')), 1, at('ro'))
      execFileSync('sh', [
        '-ec',
        `mount -o remount,rw ${at('ro')} && mkdir ${at('ro/there')} && mount -o remount,ro ${at('ro')}`,
      ])
      await expectRefusal(args(at('ro/there'), at('run')), 1, `write to directory ${at('ro/there')}`)
      await expectRefusal(args(at('state'), at('ro/there')), 1, `write to directory ${at('ro/there')}`)
    } finally {
      execFileSync('umount', [at('ro')])
    }
  })

  it('whose store is no store: leaves it as it is', async () => {
    await using directory = await temporaryDirectory()
    const at = (name: string) => join(directory.path, name)
    mkdirSync(at('state'))
    writeFileSync(at('state/state.lmdb'), 'x'.repeat(50_000))
    await expectRefusal(args(at('state'), at('run')), 1, 'state.lmdb')
    expect(readFileSync(at('state/state.lmdb'), 'utf8')).toBe('x'.repeat(50_000))
  })

  it('for a socket that is a file, a directory, a link or missing: names it', async () => {
    await using directory = await temporaryDirectory()
    const at = (name: string) => join(directory.path, name)
    const withSocket = (...more: string[]) => args(at('state'), at('run'), ...more)
    writeFileSync(at('file'), 'mine')
    mkdirSync(at('dir'))
    symlinkSync(at('file'), at('link'))
    for (const path of ['file', 'dir', 'link'].map(at))
      await expectRefusal(withSocket('--socket', path), 1, path)
    await expectRefusal(withSocket('--socket', at('none/conetd.sock')), 1, at('none'))
    await expectRefusal(withSocket('--runtime-socket', at('file')), 1, at('file'))
    expect(readFileSync(at('file'), 'utf8')).toBe('mine')
  })

  it('for drivers that others may write to: is not used', async () => {
    await using directory = await temporaryDirectory()
    const drivers = join(directory.path, 'drivers')
    mkdirSync(drivers)
    execFileSync('chmod', ['0777', drivers])
    const started = args(join(directory.path, 's'), join(directory.path, 'r'), '--driver-dir', drivers)
    await expectRefusal(started, 1, 'writable by others')
  })
})

it('a deprecation that nobody could do anything about is not told, and all others are', async () => {
  const warn = (code: string) => `process.emitWarning('old', { type: 'DeprecationWarning', code: '${code}' })`
  const both = `process.once('beforeExit', () => { ${warn('DEP0123')}; ${warn('DEP9999')} })`
  const { code, err } = await conetd(['--version'], {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(both)}`,
  })
  expect(code).toBe(0)
  expect(err).toContain('[DEP9999] DeprecationWarning: old')
  expect(err).not.toContain('DEP0123')
})
