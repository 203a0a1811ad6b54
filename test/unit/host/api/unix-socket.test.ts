import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { listenOn } from '@conet/host/api/standing-socket'
import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'
import { apiFixture, container } from './api-fixture.ts'

describe('a socket of the API', () => {
  it('[B1] [B2] gets its mode, and goes with its server', async () => {
    await using directory = await temporaryDirectory()
    const path = `${directory.path}/s.sock`
    const api = await apiFixture()
    const socket = await listenOn(api.app, { path, mode: 0o660, group: 'no-such-group' })
    expect((await stat(path)).mode & 0o777).toBe(0o660)
    await socket.leave()
    await api[Symbol.asyncDispose]()
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })

  it('replaces the socket of a process that died', async () => {
    await using directory = await temporaryDirectory()
    const path = `${directory.path}/s.sock`
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    await once(spawn(process.execPath, ['-e', script]), 'close')
    expect((await stat(path)).isSocket()).toBe(true)
    await using api = await apiFixture()
    await listenOn(api.app, { path, mode: 0o600 })
  })

  it('may have the longest name that a socket takes', async () => {
    await using directory = await temporaryDirectory()
    await using api = await apiFixture()
    const path = `${directory.path}/${'x'.repeat(106 - Buffer.byteLength(directory.path))}`
    const socket = await listenOn(api.app, { path, mode: 0o600 })
    expect((await stat(path)).isSocket()).toBe(true)
    await socket.leave()
  })

  it('tells that nobody finds it, also where its place cannot be looked at', async () => {
    await using directory = await temporaryDirectory()
    await using api = await apiFixture()
    const place = `${directory.path}/place`
    await mkdir(place)
    const path = `${place}/s.sock`
    const lost: unknown[] = []
    const socket = await listenOn(api.app, { path, mode: 0o600 }, { onLost: (error) => lost.push(error) })
    await rename(place, `${place}-away`)
    await writeFile(place, 'a file where its directory was')
    await eventually(() => expect(String(lost[0])).toContain('ENOTDIR'))
    await rm(place)
    await rename(`${place}-away`, place)
    await socket.leave()
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })

  it('leaves a live socket and a foreign file alone, and refuses a path that is too long', async () => {
    await using directory = await temporaryDirectory()
    await using api = await apiFixture()
    const file = `${directory.path}/file`
    await writeFile(file, 'mine')
    const live = `${directory.path}/live.sock`
    const server = createServer().listen(live)
    await once(server, 'listening')
    for (const path of [file, live, `${directory.path}/${'x'.repeat(108)}`]) {
      const failure = await listenOn(api.app, { path, mode: 0o600 }).catch((error: unknown) => error)
      expect(ConetError.is(failure, 'failedPrecondition'), String(failure)).toBe(true)
      expect(String(failure)).toContain(path)
    }
    server.close()
  })

  it('answers what is no HTTP with a problem document', async () => {
    await using directory = await temporaryDirectory()
    const path = `${directory.path}/s.sock`
    await using api = await apiFixture()
    await listenOn(api.app, { path, mode: 0o600 })
    const socket = connect(path)
    socket.end('garbage\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += chunk
    expect(text).toContain('400 Bad Request')
    expect(text).toContain('application/problem+json')
  })

  it.each(['Host: x\r\n\r\n', 'Host: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'])(
    'cancels an operation whose client went away, unless it may ask again under its key: %j',
    async (rest) => {
      await using directory = await temporaryDirectory()
      const path = `${directory.path}/s.sock`
      const signals: (AbortSignal | undefined)[] = []
      await using api = await apiFixture(
        {
          up: (_handle, _body, { signal }) => {
            signals.push(signal)
            return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(container)))
          },
          down: async (_handle, { signal }) => {
            signals.push(signal)
            return 'gone'
          },
        },
        { family: 'runtime' },
      )
      await listenOn(api.app, { path, mode: 0o600 })
      const socket = connect(path)
      socket.write(`POST /internal/containers/web/up HTTP/1.1\r\n${rest}`)
      await eventually(() => signals.length === 1)
      expect(signals[0]?.aborted).toBe(false)
      socket.destroy()
      await eventually(() => signals[0]?.aborted === true)
      const down = await api.app.inject({ method: 'POST', url: '/internal/containers/web/down' })
      expect(down.statusCode).toBe(200)
      expect(signals[1]).toBeUndefined()
    },
  )
})
