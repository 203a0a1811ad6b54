import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DirectoryLock, KernelError } from '@conet/sdk/linux'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { countOpenFiles } from '../../support/open-files.ts'

let above: string
let path: string

beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), 'conet-lock-'))
  path = join(above, 'directory')
  mkdirSync(path)
})

afterEach(() => rmSync(above, { recursive: true }))

function acquired(): DirectoryLock {
  const result = DirectoryLock.acquire(path)
  if (!result.ok) throw new Error(`held by ${result.holderPid}`)
  return result.lock
}

/** Another process that holds the lock until it is killed. */
async function otherHolder(): Promise<ChildProcess> {
  const script = `
    import { DirectoryLock } from '@conet/sdk/linux'
    console.log(DirectoryLock.acquire(process.argv[1]).ok)
    process.stdin.resume()`
  const argv = ['--input-type=module', '-e', script, path]
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  const [first] = await once(child.stdout, 'data')
  expect(`${first}`).toBe('true\n')
  return child
}

it('a second holder is told the process id of the first, until that lets go; nothing is written', () => {
  const lock = acquired()
  expect(DirectoryLock.acquire(path)).toEqual({ ok: false, holderPid: process.pid })
  expect(readdirSync(path)).toEqual([])
  lock.release()
  lock.release()
  acquired().release()
})

it('a holder in another process is named, and its death frees the lock', async () => {
  const holder = await otherHolder()
  expect(DirectoryLock.acquire(path)).toEqual({ ok: false, holderPid: holder.pid })
  holder.kill('SIGKILL')
  await once(holder, 'close')
  acquired().release()
})

it('is one lock for all names of a directory, and another for those beside and below it', () => {
  using _lock = acquired()
  const link = join(above, 'link')
  symlinkSync(path, link)
  expect(DirectoryLock.acquire(link)).toEqual({ ok: false, holderPid: process.pid })
  for (const name of ['beside', 'directory/below']) {
    const other = join(above, name)
    mkdirSync(other)
    const result = DirectoryLock.acquire(other)
    expect(result.ok).toBe(true)
    if (result.ok) result.lock.release()
  }
})

it.each([
  ['none', 'ENOENT'],
  ['file', 'ENOTDIR'],
])('what is no directory is refused as the kernel says it: %s', (name, code) => {
  writeFileSync(join(above, 'file'), '')
  expect(() => DirectoryLock.acquire(join(above, name))).toThrow(
    expect.toSatisfy((error) => KernelError.is(error, code) && error.message.includes(name)),
  )
})

it('leaves no file open behind it', () => {
  const before = countOpenFiles(new RegExp(path))
  for (let n = 0; n < 20; n++) {
    using _lock = acquired()
    expect(DirectoryLock.acquire(path).ok).toBe(false)
  }
  expect(countOpenFiles(new RegExp(path))).toBe(before)
})
