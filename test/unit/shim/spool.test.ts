import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { QueuedDowns } from '@conet/host/lifecycle/queued-downs'
import { namespaceOf } from '@conet/host/shim/calls'
import { runtimeSocketOf } from '@conet/host/shim/socket-place'
import { queueDown } from '@conet/host/shim/spool'
import { spoolDirectoryOf } from '@conet/host/shim/spool-path'
import { requestLines, runtimeSocketPath } from '@conet/sdk/client'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

it('what runtimes leave, conetd finds, whatever the handle; other files are named once and left alone', async () => {
  await using directory = await temporaryDirectory()
  const socket = join(directory.path, 'run', 'c.runtime.sock')
  const spool = spoolDirectoryOf(socket)
  const queued = new QueuedDowns(spool)
  expect(queued.handles()).toEqual([])
  const handles = ['h', 'a/../b', 'ü'.repeat(300)]
  for (const handle of [...handles, 'h']) queueDown(socket, handle)
  writeFileSync(join(spool, 'x.down'), 'not JSON')
  writeFileSync(join(spool, 'half.down.123'), '{"handle":"half"}')
  expect(queued.handles().sort()).toEqual(handles.sort())
  expect([queued.newlyUnreadable(), queued.newlyUnreadable()]).toEqual([[join(spool, 'x.down')], []])
  for (const handle of handles) {
    expect(queued.has(handle)).toBe(true)
    queued.remove(handle)
    expect(queued.has(handle)).toBe(false)
  }
  expect(readdirSync(spool).sort()).toEqual(['half.down.123', 'x.down'])
})

it('what is no file of a runtime holds nobody up, and is named', async () => {
  await using directory = await temporaryDirectory()
  const socket = join(directory.path, 'run', 'c.runtime.sock')
  const spool = spoolDirectoryOf(socket)
  queueDown(socket, 'h')
  const [own = ''] = readdirSync(spool)
  const at = (name: string) => join(spool, `${name}.down`)
  execFileSync('mkfifo', [at('pipe')])
  symlinkSync('/dev/zero', at('endless'))
  symlinkSync('/nosuch', at('nowhere'))
  mkdirSync(at('directory'))
  copyFileSync(join(spool, own), at('another-name'))
  const queued = new QueuedDowns(spool)
  expect(queued.handles()).toEqual(['h'])
  expect(queued.unreadable().sort()).toEqual(
    ['another-name', 'directory', 'endless', 'nowhere', 'pipe'].map(at),
  )
})

it('either socket leads to the runtime’s, and both to the same spool', async () => {
  await using directory = await temporaryDirectory()
  const at = (name: string) => join(directory.path, name)
  expect(runtimeSocketOf(at('c.sock'))).toBe(runtimeSocketPath(at('c.sock')))
  expect(runtimeSocketOf(at('c.runtime.sock'))).toBe(at('c.runtime.sock'))
  mkdirSync(at('own'))
  writeFileSync(at('own/rt.sock'), '')
  expect(runtimeSocketOf(at('own/rt.sock'))).toBe(at('own/rt.sock'))
  const spools = ['c.sock', 'c.runtime.sock'].map((name) => spoolDirectoryOf(runtimeSocketOf(at(name))))
  expect(spools).toEqual([at('c.spool'), at('c.spool')])
})

it('the paths that the shims call are those of the API', () => {
  const lines = [
    requestLines.up,
    requestLines.down,
    requestLines.netIn,
    requestLines.netOut,
    requestLines.netOutBulk,
  ]
  expect(lines.map(({ path }) => path)).toEqual([
    '/internal/containers/:handle/up',
    '/internal/containers/:handle/down',
    '/garden/containers/:handle/net/in',
    '/garden/containers/:handle/net/out',
    '/garden/containers/:handle/net/out/bulk',
  ])
})

it('a namespace is known by device and inode; a process that is gone has none', () => {
  expect(namespaceOf('/proc/self/ns/net')).toMatch(/^\d+:\d+$/)
  expect(namespaceOf('/proc/4000000/ns/net')).toBeUndefined()
})
