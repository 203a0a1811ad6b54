import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileLock, KernelError } from '@conet/sdk/linux'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { countOpenFiles } from '../../support/open-files.ts'

let directory: string
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'conet-lock-'))
  path = join(directory, 'lock')
})

afterEach(() => rmSync(directory, { recursive: true }))

function acquired(): FileLock {
  const result = FileLock.acquire(path)
  if (!result.ok) throw new Error(`held by ${result.holderPid}`)
  return result.lock
}

/** Another process that holds the lock until its stdin ends. */
async function otherHolder(): Promise<ChildProcess> {
  const script = `
    import { FileLock } from '@conet/sdk/linux'
    console.log(FileLock.acquire(process.argv[1]).ok)
    process.stdin.resume()`
  const argv = ['--input-type=module', '-e', script, path]
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  const [first] = await once(child.stdout, 'data')
  expect(`${first}`).toBe('true\n')
  return child
}

it('a second holder is told the process id of the first, until that lets go', () => {
  const lock = acquired()
  expect(FileLock.acquire(path)).toEqual({ ok: false, holderPid: process.pid })
  lock.release()
  lock.release()
  acquired().release()
})

it('a file that is removed keeps nobody from the lock, also who has opened it before', () => {
  const lock = acquired()
  lock.remove()
  lock.remove()
  expect(existsSync(path)).toBe(false)
  const next = acquired()
  // It is not the holder any more.
  lock.remove()
  expect(FileLock.acquire(path)).toMatchObject({ ok: false })
  next.remove()
})

it('a holder in another process is named, and its death frees the lock', async () => {
  const holder = await otherHolder()
  expect(FileLock.acquire(path)).toEqual({ ok: false, holderPid: holder.pid })
  holder.kill('SIGKILL')
  await once(holder, 'close')
  acquired().release()
})

it('a program that the holder starts does not inherit the lock', async () => {
  const lock = acquired()
  const child = spawn('sh', ['-c', 'echo; read line'], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  lock.release()
  acquired().release()
  child.stdin.end('\n')
  await once(child, 'close')
})

it('the file is for its owner only and holds no process id after release', () => {
  const lock = acquired()
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`)
  lock.release()
  expect(readFileSync(path, 'utf8')).toBe('')
})

it('the number that a dead holder left behind is replaced, longer or not', () => {
  writeFileSync(path, '99999999999\n')
  const lock = acquired()
  expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`)
  lock.release()
})

it('a second holder is told what the first one noted', () => {
  const first = FileLock.acquire(path, 'node 7')
  expect(FileLock.acquire(path)).toEqual({ ok: false, holderPid: process.pid, holderNote: 'node 7' })
  if (first.ok) first.lock.release()
})

it('a holder whose number cannot be read is reported without one', () => {
  const lock = acquired()
  writeFileSync(path, '')
  expect(FileLock.acquire(path)).toEqual({ ok: false, holderPid: undefined })
  lock.release()
})

it('a file that was moved away is locked anew at its path', () => {
  const first = acquired()
  renameSync(path, join(directory, 'moved'))
  const second = acquired()
  expect(FileLock.acquire(path).ok).toBe(false)
  second.release()
  first.release()
})

it('a symbolic link and a missing directory are refused with the errno', () => {
  const target = join(directory, 'target')
  writeFileSync(target, 'not to be touched')
  symlinkSync(target, path)
  const code = (at: string) => {
    try {
      FileLock.acquire(at)
    } catch (error) {
      return KernelError.is(error) ? error.code : error
    }
    return undefined
  }
  expect(code(path)).toBe('ELOOP')
  expect(readFileSync(target, 'utf8')).toBe('not to be touched')
  expect(code(join(directory, 'none/lock'))).toBe('ENOENT')
})

it('a refused attempt leaves no descriptor open', () => {
  const lock = acquired()
  for (let n = 0; n < 20; n++) expect(FileLock.acquire(path).ok).toBe(false)
  expect(countOpenFiles(/conet-lock-/)).toBe(1)
  lock.release()
})
