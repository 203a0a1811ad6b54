// The sockets of conetd itself, removed or replaced while it runs.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { DirectoryLock, releaseNamespaceDirectory } from '@conet/sdk/linux'
import { expect, it } from 'vitest'
import { ConetdProcess } from '../support/conetd-process.ts'
import { eventually } from '../support/eventually.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'
import { httpCall } from '../support/unix-http.ts'

async function scene(directory: TemporaryDirectory, spawn: string[] = []) {
  const conetd = await ConetdProcess.start({ directory: directory.path, spawn })
  return {
    conetd,
    socket: conetd.socket,
    runtimeSocket: conetd.runtimeSocket,
    said: (about: string) =>
      readFileSync(conetd.logFile, 'utf8')
        .split('\n')
        .filter((line) => line.includes(about))
        .map((line) => JSON.parse(line)),
    async [Symbol.asyncDispose]() {
      await conetd[Symbol.asyncDispose]()
      releaseNamespaceDirectory(join(directory.path, 'run/netns'))
    },
  }
}

const getNetworks = { method: 'GET', path: '/networks' }
const isAnswered = async (path: string) =>
  (await httpCall(path, getNetworks).catch(() => undefined))?.status === 200

it('are made anew when somebody removes them, as often as it happens; who is connected goes on', async () => {
  await using directory = await temporaryDirectory()
  await using lost = await scene(directory)
  const { socket, runtimeSocket, conetd } = lost
  const modes = () => [socket, runtimeSocket].map((path) => statSync(path).mode & 0o777)
  const modesBefore = modes()
  const events = connect(socket).setEncoding('utf8')
  let text = ''
  events.on('data', (piece) => {
    text += piece
  })
  events.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n')
  await eventually(() => text.includes('alive'))
  for (const times of [1, 2]) {
    for (const path of [socket, runtimeSocket]) rmSync(path)
    for (const path of [socket, runtimeSocket]) await eventually(() => isAnswered(path))
    await eventually(() => expect(lost.said('again: its file had been removed')).toHaveLength(times * 2))
  }
  expect(modes()).toEqual(modesBefore)
  await httpCall(socket, { method: 'PUT', path: '/containers/web/config', body: { attach_to: [] } })
  await eventually(() => text.includes('"container":"web"'))
  const late = connect(socket)
  late.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n')
  const ends = [events, late].map((one) => new Promise((resolve) => one.resume().once('close', resolve)))
  await conetd.stop()
  await Promise.all(ends)
  expect(readdirSync(dirname(socket)).filter((name) => name.includes('.sock'))).toEqual([])
})

it('are not put over what is another’s, which is told once; they stand again when it is gone', async () => {
  await using directory = await temporaryDirectory()
  await using lost = await scene(directory)
  const { socket, conetd } = lost
  const other = join(directory.path, 'other')
  writeFileSync(other, 'mine')
  renameSync(other, socket)
  const complaint = { level: 50, socket, err: { message: expect.stringContaining('is no socket') } }
  await eventually(() => expect(lost.said('nobody reaches conetd at')).toMatchObject([complaint]))
  expect(readFileSync(socket, 'utf8')).toBe('mine')
  rmSync(socket)
  await eventually(() => isAnswered(socket))
  expect(lost.said('nobody reaches conetd at')).toHaveLength(1)
  writeFileSync(other, 'mine')
  renameSync(other, socket)
  await eventually(() => lost.said('nobody reaches conetd at').length === 2)
  await conetd.stop()
  expect(readFileSync(socket, 'utf8')).toBe('mine')
})

it('stay when somebody gives them another mode or group', async () => {
  await using directory = await temporaryDirectory()
  await using lost = await scene(directory)
  const { socket, runtimeSocket, conetd } = lost
  const file = statSync(socket).ino
  execFileSync('sh', ['-c', `chgrp 12345 ${socket}; chmod 666 ${socket}`])
  rmSync(runtimeSocket)
  // Both are looked at in one turn: when the one stands again, the other was looked at too.
  await eventually(() => isAnswered(runtimeSocket))
  rmSync(runtimeSocket)
  await eventually(() => isAnswered(runtimeSocket))
  expect(statSync(socket)).toMatchObject({ ino: file, gid: 12345 })
  expect(lost.said(`"socket":"${socket}"`).filter(({ level }) => level >= 40)).toEqual([])
  await conetd.stop()
  expect(existsSync(socket)).toBe(false)
})

it('leave no connection open when conetd stops, which is idle or follows events', async () => {
  await using directory = await temporaryDirectory()
  await using lost = await scene(directory)
  const { socket, conetd } = lost
  rmSync(socket)
  await eventually(() => isAnswered(socket))
  const idle = connect(socket)
  idle.write('GET /networks HTTP/1.1\r\nHost: x\r\n\r\n')
  await eventually(() => idle.bytesRead > 0)
  const end = new Promise((resolve) => idle.resume().once('close', resolve))
  await conetd.stop()
  await end
})

it('[K1] of drivers stand again when somebody deletes their directory, and that one is conetd’s, each time', async () => {
  await using directory = await temporaryDirectory()
  await using lost = await scene(directory, ['null'])
  const { conetd } = lost
  const drivers = join(directory.path, 'run/drivers')
  await using client = conetd.client()
  await client.createNetwork({ name: 'blue', type: 'null' })
  await client.putContainerConfig('web', { attach_to: [] })
  for (const times of [1, 2]) {
    rmSync(drivers, { recursive: true })
    await eventually(() => expect(lost.said('stands anew')).toHaveLength(times), { timeoutMs: 20_000 })
    await eventually(async () => expect((await client.getDriver('null')).state).toBe('ready'))
    await expect(client.plug('web', { network: 'blue' })).resolves.toMatchObject({ state: 'created' })
    expect(DirectoryLock.acquire(drivers)).toEqual({ ok: false, holderPid: conetd.pid })
  }
})
