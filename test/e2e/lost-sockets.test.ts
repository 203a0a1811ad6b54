// The sockets of conetd itself, removed or replaced while it runs.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { releaseNamespaceDirectory } from '@conet/sdk/linux'
import { expect, it } from 'vitest'
import { ConetdProcess } from '../support/conetd-process.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

it('are missed in the log, once each, with what to do; another file in their place is left alone', async () => {
  await using directory = await temporaryDirectory()
  await using conetd = await ConetdProcess.start({ directory: directory.path, spawn: [] })
  const { socket, runtimeSocket, logFile } = conetd
  const complaints = () =>
    readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes('nobody reaches conetd at'))
      .map((line) => JSON.parse(line))
  rmSync(socket)
  await eventually(() =>
    expect(complaints()).toMatchObject([
      { level: 50, socket, msg: expect.stringMatching(/its file was removed; restart conetd$/) },
    ]),
  )
  rmSync(runtimeSocket)
  writeFileSync(runtimeSocket, 'mine')
  await eventually(() =>
    expect(complaints()).toMatchObject([
      { socket },
      { socket: runtimeSocket, msg: expect.stringMatching(/another|removed/) },
    ]),
  )
  expect(readFileSync(runtimeSocket, 'utf8')).toBe('mine')
  await conetd.stop()
  releaseNamespaceDirectory(join(directory.path, 'run/netns'))
})
