import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { ConetError } from '@conet/sdk'
import { openSandbox } from '@conet/sdk/linux'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { NamespaceFixture } from '../../support/namespace-fixture.ts'
import { countOpenFiles } from '../../support/open-files.ts'

let fixture: NamespaceFixture

beforeEach(() => {
  fixture = new NamespaceFixture()
})

afterEach(() => fixture[Symbol.dispose]())

function refusalOf(path: string): { kind: string; message: string } {
  try {
    openSandbox(path).close()
  } catch (error) {
    if (ConetError.is(error)) return { kind: error.kind, message: error.message }
    throw error
  }
  return { kind: 'none', message: '' }
}

it('a sandbox that is a network namespace of its own is opened, by its path and by its process', async () => {
  const made = fixture.make('a')
  using opened = openSandbox(fixture.path('a'))
  expect(opened.id).toBe(made.id)
  const owner = spawn('unshare', ['-n', 'sh', '-c', 'echo; read line'])
  await once(owner.stdout, 'data')
  using ofProcess = openSandbox(`/proc/${owner.pid}/ns/net`)
  expect(ofProcess.id).not.toBe(made.id)
  owner.stdin.end('\n')
  await once(owner, 'close')
})

it.each([
  ['/nowhere/at/all', /nothing is there/],
  ['/proc/self/status/x', /nothing is there/],
  ['relative/path', /not absolute/],
  ['/proc/self/ns/mnt', /a mount namespace, not a network namespace/],
  ['/proc/self/ns/user', /a user namespace/],
  ['/proc/self/status', /there is a file/],
  ['/etc/passwd', /there is a file/],
  ['/etc', /there is a directory/],
  ['/proc/self/ns/net', /network namespace of the host itself/],
])('a sandbox at %s is invalid, and the message says %s', (path, reason) => {
  const files = countOpenFiles(/^net:|^mnt:|^user:|^\/etc|^\/proc/)
  expect(refusalOf(path)).toEqual({ kind: 'invalidSandbox', message: expect.stringMatching(reason) })
  expect(countOpenFiles(/^net:|^mnt:|^user:|^\/etc|^\/proc/)).toBe(files)
})

it('the own namespace is refused by every name: symbolic link, thread, process', () => {
  const link = fixture.path('link')
  symlinkSync(`/proc/${process.pid}/ns/net`, link)
  for (const path of [link, '/proc/thread-self/ns/net', `/proc/${process.pid}/ns/net`]) {
    expect(refusalOf(path).kind).toBe('invalidSandbox')
  }
  rmSync(link)
})

it('a plain empty file is unreachable, and the message says what to do', () => {
  const path = fixture.path('plain')
  writeFileSync(path, '')
  expect(refusalOf(path)).toEqual({
    kind: 'sandboxUnreachable',
    message: expect.stringMatching(/there is an empty file/),
  })
  expect(() => openSandbox(path)).toThrow(expect.objectContaining({ help: expect.stringMatching(/rslave/) }))
  rmSync(path)
})

it('a process in a private mount namespace finds the sandbox unreachable', async () => {
  fixture.make('first')
  const script = `
    import { openSandbox } from '@conet/sdk/linux'
    console.log('ready')
    process.stdin.once('data', () => {
      try { openSandbox(process.argv[1]); console.log('opened') } catch (error) { console.log(error.kind) }
      process.exit()
    })`
  const argv = [
    '-m',
    '--propagation',
    'private',
    process.execPath,
    '--input-type=module',
    '-e',
    script,
    fixture.path('a'),
  ]
  const driver = spawn('unshare', argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  driver.stdout.on('data', (data) => (output += data))
  await once(driver.stdout, 'data')
  fixture.make('a')
  driver.stdin.write('go\n')
  await once(driver, 'close')
  expect(output.trim().split('\n')).toEqual(['ready', 'sandboxUnreachable'])
})

it('a FIFO at the path is refused and hangs nobody', () => {
  const path = fixture.path('fifo')
  execFileSync('mkfifo', [path])
  expect(refusalOf(path).kind).toBe('invalidSandbox')
  rmSync(path)
})
