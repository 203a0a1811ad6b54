import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { maxSocketPathBytes, type ServeOptions, serveDriver } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { DriverClient } from '../../../support/driver-client.ts'
import { eventually } from '../../../support/eventually.ts'
import { startDriverProgram } from '../../../support/fake-driver.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'
import { failureOf, nullProgram, sampleDriver } from './served.ts'

const serve = (socketPath: string, options: Partial<ServeOptions> = {}) =>
  serveDriver(sampleDriver(), { socketPath, writeLog: () => undefined, ...options })

async function modeOf(path: string): Promise<string> {
  return ((await lstat(path)).mode & 0o7777).toString(8)
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

/** Sockets that somebody listens on, by the kernel's list. */
async function listenersIn(directory: string): Promise<string[]> {
  const lines = (await readFile('/proc/net/unix', 'utf8')).split('\n')
  return lines.filter((line) => line.includes(` ${directory}/`) && / 00010000 /.test(line))
}

describe('the socket of a driver', () => {
  it('is for its owner alone, whatever the umask, and stands alone in the directory', async () => {
    await using directory = await temporaryDirectory()
    const umask = process.umask(0)
    try {
      await using driver = await serve(join(directory.path, 'sample.sock'))
      expect(await modeOf(driver.socketPath)).toBe('600')
      expect(process.umask()).toBe(0)
      expect(await readdir(directory.path)).toEqual(['sample.sock'])
    } finally {
      process.umask(umask)
    }
  })

  it('is never seen under its name by anyone who could not connect to it', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'sample.sock')
    for (let round = 0; round < 20; round += 1) {
      let isUp = false
      const starting = serve(path).then((driver) => {
        isUp = true
        return driver
      })
      while (!isUp && !(await exists(path))) await new Promise((resolve) => setImmediate(resolve))
      await using client = await DriverClient.connect(path)
      expect(client.isClosed).toBe(false)
      await (await starting).close()
    }
  })

  it('is gone after close, which may be repeated', async () => {
    await using directory = await temporaryDirectory()
    const driver = await serve(join(directory.path, 'sample.sock'))
    await Promise.all([driver.close(), driver.close()])
    await driver.closed
    expect(await readdir(directory.path)).toEqual([])
  })

  it('is left alone at close when it is another’s by then', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'sample.sock')
    const old = await serve(path)
    await unlink(path)
    await using successor = await serve(path)
    await old.close()
    await using client = await DriverClient.initialized(successor.socketPath)
    await expect(client.call('driver/ping', {})).resolves.toEqual({})
  })

  it('replaces the one that a killed driver of its name has left, and sweeps its half-made ones', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'null.sock')
    const half = join(directory.path, '.null-4194304.sock')
    for (const [file, args] of [
      [path, path],
      [half, half],
    ] as const) {
      await using dead = await startDriverProgram({
        program: nullProgram,
        args: ['--socket', args],
        socketPath: file,
      })
      await dead.end('SIGKILL')
      expect(await exists(file)).toBe(true)
    }
    await using driver = await serve(path)
    await using client = await DriverClient.initialized(driver.socketPath)
    await client.call('driver/ping', {})
    expect(await readdir(directory.path)).toEqual(['null.sock'])
  })

  it('is refused when a living process answers there, which goes on undisturbed', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'sample.sock')
    await using first = await serve(path)
    const error = await failureOf(serve(path))
    expect(error).toMatchObject({ kind: 'conflict' })
    expect(error.message).toContain('another process answers')
    await using client = await DriverClient.initialized(first.socketPath)
    await client.call('driver/ping', {})
    expect(await readdir(directory.path)).toEqual(['sample.sock'])
  })

  it('does not touch what is no socket', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'sample.sock')
    await writeFile(path, 'precious')
    expect((await failureOf(serve(path))).kind).toBe('conflict')
    expect(await readFile(path, 'utf8')).toBe('precious')
    const link = join(directory.path, 'link.sock')
    await symlink(path, link)
    expect((await failureOf(serve(link))).kind).toBe('conflict')
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
  })

  it('is made anew when somebody removes it, and taken away at the end like the first', async () => {
    await using directory = await temporaryDirectory()
    const lines: string[] = []
    const driver = await serve(join(directory.path, 'sample.sock'), { writeLog: (line) => lines.push(line) })
    for (let round = 0; round < 2; round += 1) {
      await unlink(driver.socketPath)
      await using client = await eventually(() => DriverClient.initialized(driver.socketPath))
      await client.call('driver/ping', {})
      expect(await modeOf(driver.socketPath)).toBe('600')
    }
    expect(lines.filter((line) => line.includes('was removed'))).toHaveLength(2)
    await driver.close()
    expect(await readdir(directory.path)).toEqual([])
  })

  it('is one however often it is made anew, and who came by a former one stays', async () => {
    await using directory = await temporaryDirectory()
    await using driver = await serve(join(directory.path, 'sample.sock'))
    await using first = await DriverClient.initialized(driver.socketPath)
    for (let round = 0; round < 2; round += 1) {
      await unlink(driver.socketPath)
      await eventually(async () => expect(await exists(driver.socketPath)).toBe(true))
    }
    await eventually(async () => expect(await listenersIn(directory.path)).toHaveLength(1))
    await expect(first.call('driver/ping', {})).resolves.toEqual({})
  })

  it('is made anew in a directory that was removed and is back, and what kept it from that is told once', async () => {
    await using directory = await temporaryDirectory()
    const parent = join(directory.path, 'run')
    await mkdir(parent)
    const lines: string[] = []
    await using driver = await serve(join(parent, 'drivers/sample.sock'), {
      writeLog: (line) => lines.push(line),
    })
    await rm(parent, { recursive: true })
    const complaints = () => lines.filter((line) => line.includes('the socket failed'))
    await eventually(() => expect(complaints()).toHaveLength(1))
    await mkdir(parent)
    await using client = await eventually(() => DriverClient.initialized(driver.socketPath))
    await client.call('driver/ping', {})
    expect(complaints()).toHaveLength(1)
  })

  it('may have a path of 107 bytes and not one more', async () => {
    await using directory = await temporaryDirectory()
    const path = (bytes: number) => {
      const room = bytes - Buffer.byteLength(`${directory.path}/.sock`)
      return `${directory.path}/${'x'.repeat(room)}.sock`
    }
    const error = await failureOf(serve(path(maxSocketPathBytes + 1)))
    expect(error).toMatchObject({ kind: 'invalidArgument', fields: [{ path: 'socketPath' }] })
    expect(error.message).toContain('108 bytes')
    await using driver = await serve(path(maxSocketPathBytes))
    expect(await readdir(directory.path)).toEqual([basename(driver.socketPath)])
    await using client = await DriverClient.initialized(driver.socketPath)
    await client.call('driver/ping', {})
  })
})

describe('the directory of the socket', () => {
  it('is made for the owner alone when its parent is right', async () => {
    await using directory = await temporaryDirectory()
    const inner = join(directory.path, 'drivers')
    await using _driver = await serve(join(inner, 'sample.sock'))
    expect(await modeOf(inner)).toBe('700')
  })

  it.skipIf(process.getuid?.() !== 0)('must belong to root or to us', async () => {
    await using directory = await temporaryDirectory()
    await chown(directory.path, 65_534, 65_534)
    const error = await failureOf(serve(join(directory.path, 'sample.sock')))
    expect(error).toMatchObject({ kind: 'failedPrecondition' })
    expect(error.message).toContain('uid 65534')
  })

  it('must not be writable by others, nor its parent when it has to be made', async () => {
    await using directory = await temporaryDirectory()
    await chmod(directory.path, 0o777)
    for (const name of ['sample.sock', 'drivers/sample.sock']) {
      const error = await failureOf(serve(join(directory.path, name)))
      expect(error).toMatchObject({ kind: 'failedPrecondition' })
      expect(error.message).toContain('writable by others')
      // As a command it would be the end of a /tmp.
      expect(error.help).not.toContain('install')
    }
    expect(await readdir(directory.path)).toEqual([])
  })

  it('must be a directory, and there must be one to make it in', async () => {
    await using directory = await temporaryDirectory()
    await writeFile(join(directory.path, 'file'), '')
    const file = await failureOf(serve(join(directory.path, 'file/sample.sock')))
    expect(file.message).toContain('not a directory')
    const nowhere = await failureOf(serve(join(directory.path, 'a/b/sample.sock')))
    expect(nowhere.message).toContain('exists')
  })

  it('may be reached over a link, as /var/run is', async () => {
    await using directory = await temporaryDirectory()
    await mkdir(join(directory.path, 'real'))
    await symlink('real', join(directory.path, 'link'))
    await using driver = await serve(join(directory.path, 'link/sample.sock'))
    await using client = await DriverClient.initialized(driver.socketPath)
    await client.call('driver/ping', {})
  })
})

describe('a driver that is told to stop', () => {
  it('stops on the signal of its owner', async () => {
    await using directory = await temporaryDirectory()
    const controller = new AbortController()
    const driver = await serve(join(directory.path, 'sample.sock'), { signal: controller.signal })
    controller.abort()
    await driver.closed
    expect(await exists(driver.socketPath)).toBe(false)
    await expect(serve(driver.socketPath, { signal: controller.signal })).rejects.toThrow()
    expect(await readdir(directory.path)).toEqual([])
  })

  it('takes no more connections at once', async () => {
    await using directory = await temporaryDirectory()
    const driver = await serve(join(directory.path, 'sample.sock'))
    await driver.close()
    await expect(DriverClient.connect(driver.socketPath)).rejects.toThrow('ENOENT')
  })

  it('cannot be mistaken for a listener of another kind', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'sample.sock')
    const foreign = createServer()
    await new Promise<void>((resolve) => foreign.listen(path, resolve))
    try {
      expect((await failureOf(serve(path))).kind).toBe('conflict')
    } finally {
      foreign.close()
    }
  })
})
