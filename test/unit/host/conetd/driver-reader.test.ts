// Drivers as the API finds, starts and stops them.
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { driverReader } from '@conet/host/conetd/driver-reader'
import { Supervisor } from '@conet/host/drivers/index'
import { describe, expect, it } from 'vitest'
import { startDriverHost } from '../../../support/driver-host.ts'
import { eventually } from '../../../support/eventually.ts'
import { ScriptedDriver } from '../../../support/scripted-driver.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'

/** It starts nothing. */
function supervisorIn(directory: string): Supervisor {
  const places = { directories: [], packageDirectory: directory, path: '' }
  return new Supervisor({ runDirectory: directory, driverDirectory: directory, places, environment: {} })
}

/** Nothing is watched. */
const quiet = { renewIfQuiet: async () => undefined }

describe('drivers as the API reads them', () => {
  it('are found by name, and by their socket where another has the name', async () => {
    await using directory = await temporaryDirectory()
    await using host = await startDriverHost()
    await using _first = await ScriptedDriver.listen(host.socket('wire'), 'wire')
    await host.until('wire', 'ready')
    await using _second = await ScriptedDriver.listen(host.socket('wire-2'), 'wire')
    const room = { registry: host.registry, supervisor: supervisorIn(directory.path), quiet }
    const reader = driverReader(room, new Date(), () => false)
    await eventually(() => expect(reader.list().map(({ state }) => state)).toContain('rejected'))
    expect(reader.get('wire')).toMatchObject({ state: 'ready', socket: host.socket('wire') })
    for (const words of ['wire-2.sock', host.socket('wire-2'), 'wire-2'])
      expect(reader.get(words)).toMatchObject({
        name: 'wire',
        state: 'rejected',
        socket: host.socket('wire-2'),
      })
    expect(() => reader.get('wire-3.sock')).toThrow('known drivers: wire')
  })

  it('are not stopped where they have not introduced themselves, or run at a socket of another name', async () => {
    await using directory = await temporaryDirectory()
    await using host = await startDriverHost()
    await using _first = await ScriptedDriver.listen(host.socket('wire'), 'wire')
    await host.until('wire', 'ready')
    await using _second = await ScriptedDriver.listen(host.socket('wire-2'), 'wire')
    const mute = createServer().listen(host.socket('mute'))
    const room = { registry: host.registry, supervisor: supervisorIn(directory.path), quiet }
    const reader = driverReader(room, new Date(), () => false)
    await eventually(() => expect(reader.get('wire-2.sock').state).toBe('rejected'))
    await eventually(() => expect(reader.get('mute').state).toBe('initializing'))
    const kind = 'failedPrecondition'
    await expect(reader.stop('mute')).rejects.toMatchObject({
      kind,
      message: expect.stringContaining(`what is at ${host.socket('mute')} has not introduced itself`),
      help: expect.stringContaining('End the process'),
    })
    for (const [words, socket] of [
      ['wire', 'wire'],
      ['wire-2', 'wire-2'],
      ['wire.sock', 'wire'],
    ] as const) {
      const message = expect.stringContaining(
        `it runs at ${host.socket(socket)}, and was not started by conetd`,
      )
      await expect(reader.stop(words)).rejects.toMatchObject({ kind, message })
    }
    await expect(reader.stop('nope')).rejects.toMatchObject({
      kind: 'notFound',
      message: 'there is no driver "nope"; known drivers: mute, wire',
    })
    mute.close()
  })

  it('are forgotten by a stop when they are gone, unless networks wait for them', async () => {
    await using directory = await temporaryDirectory()
    await using host = await startDriverHost()
    const driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'ready')
    await driver[Symbol.asyncDispose]()
    await rm(host.socket('x'), { force: true })
    await host.until('x', 'gone')
    let isNeeded = true
    const room = { registry: host.registry, supervisor: supervisorIn(directory.path), quiet }
    const reader = driverReader(room, new Date(), () => isNeeded)
    await reader.stop('x')
    expect(reader.get('x')).toMatchObject({ state: 'gone' })
    isNeeded = false
    await reader.stop('x')
    expect(reader.list()).toEqual([])
  })
})
