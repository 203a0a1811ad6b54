// Drivers that are broken or hostile, at the real conetd: none of them holds up the API or another driver, and
// `conet driver list` says why each is not used.
import { rename } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { DriverView } from '@conet/sdk/client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { HostUnderTest } from '../support/host-under-test.ts'
import { introduction, ScriptedDriver } from '../support/scripted-driver.ts'

let host: HostUnderTest
const closing: AsyncDisposable[] = []

beforeAll(async () => {
  host = await HostUnderTest.start('null')
})

afterAll(() => host?.[Symbol.asyncDispose]())

afterEach(async () => {
  for (const driver of closing.splice(0)) await driver[Symbol.asyncDispose]()
})

const socketOf = (name: string) => join(host.directory, 'run/drivers', `${name}.sock`)

/** Whoever connects is given to `speak`. */
async function program(name: string, speak: (socket: Socket) => void): Promise<void> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    speak(socket)
  })
  const draft = join(host.directory, 'run/drivers', `.${name}`)
  await new Promise<void>((resolve) => server.listen(draft, resolve))
  await rename(draft, socketOf(name))
  closing.push({
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  })
}

async function scripted(name: string, initialize: (params: unknown) => unknown): Promise<ScriptedDriver> {
  const driver = await ScriptedDriver.listen(socketOf(name), name, { initialize })
  closing.push(driver)
  return driver
}

async function view(name: string): Promise<DriverView | undefined> {
  const { drivers } = await host.done<{ drivers: DriverView[] }>({ path: '/drivers' })
  return drivers.find(({ socket }) => socket === socketOf(name))
}

/** It is not used, conet says why, and meanwhile everything else goes on. */
async function expectUseless(name: string, why: RegExp): Promise<void> {
  await eventually(async () => expect((await view(name))?.last_error?.message).toMatch(why), {
    timeoutMs: 12_000,
  })
  expect((await view(name))?.state).not.toBe('ready')
  await expectResponsive()
}

async function expectResponsive(): Promise<void> {
  const start = performance.now()
  await host.isWell()
  const { id } = await host.done<{ id: string }>({
    method: 'POST',
    path: '/networks',
    body: { generate_name: true, type: 'null' },
  })
  await host.done({ method: 'DELETE', path: `/networks/${id}` })
  expect(performance.now() - start).toBeLessThan(3_000)
}

describe('a program at a driver’s socket that speaks no JSON-RPC', () => {
  it.each<[string, (socket: Socket) => void, RegExp]>([
    ['garbage', (socket) => socket.write('GET / HTTP/1.1\r\n\r\n'), /header|frame|message/i],
    ['zeros', (socket) => socket.write(Buffer.alloc(1_000_000)), /header|frame|message/i],
    [
      'a huge frame',
      (socket) => socket.write('Content-Length: 99999999999\r\n\r\n'),
      /large|limit|bytes|length/i,
    ],
    ['a header without end', (socket) => socket.write(`X: ${'x'.repeat(1_000_000)}`), /header/i],
    ['no JSON', (socket) => socket.write('Content-Length: 3\r\n\r\n{{{'), /JSON/],
    ['a depth bomb', (socket) => frame(socket, '['.repeat(1_000_000)), /JSON|message|object/i],
    ['hanging up', (socket) => socket.destroy(), /./],
  ])('(%s) is not used', async (what, speak, why) => {
    const name = `raw-${what.replaceAll(/\W/g, '-')}`
    await program(name, speak)
    await expectUseless(name, why)
  })

  it('a byte at a time holds nobody up', async () => {
    await program('slow', (socket) => {
      const timer = setInterval(() => socket.write('C'), 50)
      socket.on('close', () => clearInterval(timer))
    })
    await eventually(async () => expect(await view('slow')).toBeDefined())
    await expectResponsive()
    expect((await view('slow'))?.state).not.toBe('ready')
  })
})

describe('a driver that introduces itself', () => {
  const good = introduction('strange')
  const bomb = {
    type: 'object',
    properties: Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, { type: 'string' }])),
  }

  it.each<[string, unknown, RegExp]>([
    ['with a version nobody offered', { ...good, protocolVersion: '9.9' }, /9\.9/],
    ['without a name', { ...good, driver: { version: '1', instanceId: 'x' } }, /name/],
    ['with a name that is a path', { ...good, driver: { ...good.driver, name: '../x' } }, /name/],
    ['with nothing', {}, /protocolVersion|must have/],
    ['with null', null, /./],
    ['with text', 'hello', /./],
    ['with methods that are none', { ...good, capabilities: { methods: 'all', scope: 'local' } }, /methods/],
    ['with a schema that is none', { ...good, configSchema: { type: 'wrong' } }, /configSchema/],
    [
      'with a schema that loads another',
      { ...good, configSchema: { $ref: 'http://example.com/x' } },
      /configSchema/,
    ],
    ['with a schema bomb', { ...good, policySchema: bomb }, /policySchema/],
    ['under the name of another', { ...good, driver: { ...good.driver, name: 'null' } }, /null/],
  ])('%s is not used, and conet says why', async (what, answer, why) => {
    const name = `intro-${what.replaceAll(/\W/g, '-')}`
    await scripted(name, () => answer)
    await expectUseless(name, why)
  })

  it('and floods the host with notifications does not hold it up', async () => {
    const name = 'flood'
    const driver = await scripted(name, () => introduction(name))
    driver.answer('network/list', () => ({ networkIds: [] }))
    driver.answer('endpoint/list', () => ({ endpoints: [] }))
    await eventually(async () => expect((await view(name))?.state).toBeDefined())
    const params = { level: 'info', message: 'x'.repeat(200) }
    for (let n = 0; n < 5_000; n++) driver.notify('driver/log', params)
    await expectResponsive()
  })
})

function frame(socket: Socket, text: string): void {
  socket.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
}
