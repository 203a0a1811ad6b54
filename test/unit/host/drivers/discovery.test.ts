import { chmod, chown, mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { type DiscoveredSocket, Discovery } from '@conet/host/drivers/discovery'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'

/** Far longer than any test: what is seen before it was told by the watch. */
const neverMs = 3_600_000

async function listen(path: string): Promise<Server & AsyncDisposable> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  // libuv keeps what it bound relative names to; closing twice is harmless.
  return Object.assign(server, {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  })
}

async function discover(directory: string, rescanMs: number) {
  const appeared: DiscoveredSocket[] = []
  const gone: DiscoveredSocket[] = []
  const failures: unknown[] = []
  const seen = { renewals: 0 }
  const discovery = new Discovery({
    directory,
    rescanMs,
    appeared: (socket) => appeared.push(socket),
    gone: (socket) => gone.push(socket),
    failed: (error) => failures.push(error),
    renewed: () => {
      seen.renewals++
    },
  })
  await discovery.start()
  return { appeared, gone, failures, seen, discovery, [Symbol.asyncDispose]: () => discovery.close() }
}

describe('discovery', () => {
  it('[K1] knows after start what stood in the directory before', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'a.sock')
    await using _server = await listen(path)
    await using found = await discover(directory.path, neverMs)
    expect(found.appeared).toMatchObject([{ path, refusal: undefined }])
  })

  it('names what is no socket, and since when a socket is refused', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'a.sock')
    await writeFile(join(directory.path, 'b.sock'), 'no socket')
    await writeFile(join(directory.path, '.hidden'), '')
    await using _server = await listen(path)
    const before = Date.now()
    await chmod(path, 0o666)
    await using found = await discover(directory.path, neverMs)
    expect(found.discovery.strays).toEqual([join(directory.path, 'b.sock')])
    expect(found.appeared).toMatchObject([{ path, refusal: { why: 'others may write to it' } }])
    // The clock of files is a tick behind that of processes.
    expect(Math.abs((found.appeared[0]?.since.getTime() ?? 0) - before)).toBeLessThan(1_000)
    await rm(join(directory.path, 'b.sock'))
    await eventually(() => expect(found.discovery.strays).toEqual([]))
  })

  it('[K1] sees a socket that appears by rename and one that vanishes, by the watch alone', async () => {
    await using directory = await temporaryDirectory()
    await using found = await discover(directory.path, neverMs)
    await using _server = await listen(join(directory.path, '.tmp-1'))
    await rename(join(directory.path, '.tmp-1'), join(directory.path, 'a.sock'))
    await eventually(() => expect(found.appeared).toHaveLength(1))
    expect(found.appeared[0]?.path).toBe(join(directory.path, 'a.sock'))
    await rm(join(directory.path, 'a.sock'))
    await eventually(() => expect(found.gone).toEqual(found.appeared))
  })

  it('[K1] takes a socket that replaces another under the same path for a new one', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'a.sock')
    await using _first = await listen(path)
    await using found = await discover(directory.path, neverMs)
    await using _second = await listen(join(directory.path, '.tmp-2'))
    await rename(join(directory.path, '.tmp-2'), path)
    await eventually(() => expect(found.appeared).toHaveLength(2))
    expect(found.gone).toEqual([found.appeared[0]])
    expect(found.appeared[1]?.identity).not.toBe(found.appeared[0]?.identity)
  })

  it('[K1] makes the directory anew when somebody deletes it, with the mode that it had, and watches it', async () => {
    await using parent = await temporaryDirectory()
    const directory = join(parent.path, 'drivers')
    await using found = await discover(directory, 20)
    await chmod(directory, 0o751)
    await using _first = await listen(join(directory, 'a.sock'))
    await eventually(() => expect(found.appeared).toHaveLength(1))
    await rm(directory, { recursive: true })
    await eventually(() => expect(found.gone).toHaveLength(1))
    await eventually(() => expect(found.seen.renewals).toBe(1))
    expect((await stat(directory)).mode & 0o777).toBe(0o751)
    await using _second = await listen(join(directory, 'b.sock'))
    await eventually(() => expect(found.appeared.at(-1)?.path).toBe(join(directory, 'b.sock')))
    expect(found.failures).toEqual([])
  })

  it('[K1] says once that it cannot make the directory, and looks on when it is there again', async () => {
    await using parent = await temporaryDirectory()
    const directory = join(parent.path, 'run/drivers')
    await using found = await discover(directory, 20)
    await rm(join(parent.path, 'run'), { recursive: true })
    const refusal = { kind: 'failedPrecondition', message: expect.stringContaining(directory) }
    await eventually(() => expect(found.failures).toEqual([expect.objectContaining(refusal)]))
    await mkdir(directory, { recursive: true })
    await using _server = await listen(join(directory, 'a.sock'))
    await eventually(() => expect(found.appeared).toHaveLength(1))
    expect(found.failures).toHaveLength(1)
  })

  it('[K1] watches the directory that was made anew, not the deleted one', async () => {
    await using parent = await temporaryDirectory()
    const directory = join(parent.path, 'drivers')
    await using found = await discover(directory, neverMs)
    await rm(directory, { recursive: true })
    await mkdir(directory)
    await found.discovery.rescan()
    await using _server = await listen(join(directory, 'a.sock'))
    await eventually(() => expect(found.appeared).toHaveLength(1))
  })

  it('ignores names with a leading dot and what is no socket', async () => {
    await using directory = await temporaryDirectory()
    await using _hidden = await listen(join(directory.path, '.hidden.sock'))
    await writeFile(join(directory.path, 'notes.sock'), '')
    await mkdir(join(directory.path, 'folder.sock'))
    await using found = await discover(directory.path, neverMs)
    expect(found.appeared).toEqual([])
  })

  it('reports a symbolic link, a socket that others may write to and a foreign owner, with the reason', async () => {
    await using directory = await temporaryDirectory()
    await using _server = await listen(join(directory.path, 'open.sock'))
    await chmod(join(directory.path, 'open.sock'), 0o666)
    await using _foreign = await listen(join(directory.path, 'foreign.sock'))
    await chown(join(directory.path, 'foreign.sock'), 12_345, 0)
    await symlink(join(directory.path, 'open.sock'), join(directory.path, 'link.sock'))
    await using found = await discover(directory.path, neverMs)
    const refusals = new Map(found.appeared.map(({ path, refusal }) => [path, refusal?.why]))
    expect(refusals.get(join(directory.path, 'open.sock'))).toBe('others may write to it')
    expect(refusals.get(join(directory.path, 'link.sock'))).toBe('it is a symbolic link')
    expect(refusals.get(join(directory.path, 'foreign.sock'))).toContain('belongs to uid 12345')
  })

  it('uses a socket as soon as its mode is mended', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'a.sock')
    await using _server = await listen(path)
    await chmod(path, 0o666)
    await using found = await discover(directory.path, 20)
    expect(found.appeared[0]?.refusal?.why).toBe('others may write to it')
    await chmod(path, 0o600)
    await eventually(() => expect(found.appeared.at(-1)?.refusal).toBeUndefined())
  })

  it('refuses a directory that others may write to', async () => {
    await using directory = await temporaryDirectory()
    await chmod(directory.path, 0o777)
    await expect(discover(directory.path, neverMs)).rejects.toMatchObject({
      kind: 'failedPrecondition',
      message: expect.stringContaining('is writable by others'),
    })
  })
})
