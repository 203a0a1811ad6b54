// `conet` as a process of its own.
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { type FakeHost, fakeHost } from '../client/fake-host.ts'
import { network } from '../client/samples.ts'

const bin = fileURLToPath(new URL('../../../host/bin/conet.js', import.meta.url))

type Child<Out extends Readable | null> = ChildProcessByStdio<null, Out, Readable>

function start(words: readonly string[], host: FakeHost): Child<Readable>
function start(words: readonly string[], host: FakeHost, stdout: number): Child<null>
function start(words: readonly string[], host: FakeHost, stdout: number | 'pipe' = 'pipe'): ChildProcess {
  const env = { ...process.env, CONET_SOCKET: host.socketPath }
  return spawn(process.execPath, [bin, ...words], { env, stdio: ['ignore', stdout, 'pipe'] })
}

async function ended(child: Child<Readable | null>): Promise<{ code: number | null; err: string }> {
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text
  })
  const [code] = await once(child, 'close')
  return { code, err }
}

it('writes all of a long answer into a pipe, and ends by itself', async () => {
  const networks = Array.from({ length: 20_000 }, (_, index) => network({ name: `n${index}` }))
  await using host = await fakeHost({ listNetworks: () => ({ body: { networks } }) })
  const child = start(['net', 'list'], host)
  let lines = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    lines += text.split('\n').length - 1
  })
  expect(await ended(child)).toEqual({ code: 0, err: '' })
  expect(lines).toBe(20_001)
})

it('ends quietly when its reader does', async () => {
  const networks = Array.from({ length: 20_000 }, (_, index) => network({ name: `n${index}` }))
  await using host = await fakeHost({ listNetworks: () => ({ body: { networks } }) })
  const child = start(['net', 'list'], host)
  child.stdout.once('data', () => child.stdout.destroy())
  expect(await ended(child)).toEqual({ code: 0, err: '' })
})

it('says in one line that its results cannot be written, and ends with the code for a full disk', async () => {
  await using host = await fakeHost({ listNetworks: () => ({ body: { networks: [network({})] } }) })
  for (const words of [['net', 'list'], ['net', 'list', '--json'], ['--help']]) {
    const full = openSync('/dev/full', 'w')
    const child = start(words, host, full)
    closeSync(full)
    const { code, err } = await ended(child)
    expect([code, err]).toEqual([8, expect.stringMatching(/^conet: write the results: ENOSPC: .*\n$/)])
  }
})

it('stops following events when its reader ends', async () => {
  await using host = await fakeHost()
  host.raw = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const timer = setInterval(() => response.write('data: {"id":1,"time":"t","type":"x"}\n\n'), 5)
    response.on('close', () => clearInterval(timer))
  }
  const child = start(['events'], host)
  child.stdout.once('data', () => child.stdout.destroy())
  expect(await ended(child)).toEqual({ code: 0, err: '' })
})

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends a call that hangs with %i', async (signal, code) => {
  await using host = await fakeHost()
  const child = start(['net', 'plug', 'c1', 'web'], host)
  host.raw = () => child.kill(signal)
  const outcome = await ended(child)
  expect(outcome.code).toBe(code)
  expect(outcome.err).toMatch(/^conet: plug c1: given up by the caller\n/)
})
