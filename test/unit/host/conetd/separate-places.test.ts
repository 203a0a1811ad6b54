import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { assertSeparate } from '@conet/host/conetd/separate-places'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'

const usual = {
  stateDir: '/nosuch/lib/conet',
  runDir: '/nosuch/run/conet',
  driverDir: '/nosuch/run/conet/drivers',
  socket: '/nosuch/run/conet/conetd.sock',
  runtimeSocket: '/nosuch/run/conet/conetd.runtime.sock',
}

it('takes the usual places, and drivers elsewhere', () => {
  expect(() => assertSeparate(usual)).not.toThrow()
  expect(() => assertSeparate({ ...usual, driverDir: '/nosuch/drivers' })).not.toThrow()
  expect(() => assertSeparate({ ...usual, stateDir: '/nosuch/run/conet-state' })).not.toThrow()
})

it.each([
  [{ stateDir: '/nosuch/run/conet/store' }, '--state-dir'],
  [{ stateDir: '/nosuch/run/conet/drivers/x' }, '--state-dir'],
  [{ stateDir: '/nosuch/run' }, '--run-dir'],
  [{ stateDir: '/nosuch/run/conet' }, '--state-dir'],
  [{ driverDir: '/nosuch/run/conet' }, '--driver-dir'],
  [{ driverDir: '/nosuch/run/conet/spawned' }, '--driver-dir'],
  [{ driverDir: '/nosuch/run/conet/netns/../netns/x' }, '--driver-dir'],
  [{ driverDir: '/nosuch/run/conet/conetd.spool' }, '--driver-dir'],
  [{ driverDir: '/nosuch/lib/conet/drivers' }, '--driver-dir'],
  [{ driverDir: '/nosuch/lib/conet' }, '--driver-dir'],
  [{ driverDir: '/nosuch/run' }, '--run-dir'],
  [{ socket: '/nosuch/run/conet/drivers/conetd.sock' }, '--socket'],
  [{ runtimeSocket: '/nosuch/run/conet/drivers/x/conetd.sock' }, '--runtime-socket'],
])('refuses %j, which lies in another place of its own, and names the flag', (given, flag) => {
  const refusal = expect.objectContaining({
    kind: 'failedPrecondition',
    help: `choose another place with ${flag}`,
  })
  expect(() => assertSeparate({ ...usual, ...given })).toThrow(refusal)
})

it('says of two places that are one that they are', () => {
  expect(() => assertSeparate({ ...usual, stateDir: usual.runDir })).toThrow(
    'use state directory /nosuch/run/conet: it is the run directory /nosuch/run/conet',
  )
})

it('knows a place that is reached by a link', async () => {
  await using directory = await temporaryDirectory()
  symlinkSync(directory.path, join(directory.path, 'link'))
  const linked = { ...usual, runDir: directory.path, driverDir: join(directory.path, 'link') }
  expect(() => assertSeparate(linked)).toThrow(expect.objectContaining({ kind: 'failedPrecondition' }))
})

it('knows a place behind a link to what is not there yet', async () => {
  await using directory = await temporaryDirectory()
  const [link, real] = [join(directory.path, 'link'), join(directory.path, 'real')]
  symlinkSync('real', link)
  const linked = { ...usual, runDir: link, stateDir: join(real, 'state') }
  expect(() => assertSeparate(linked)).toThrow(expect.objectContaining({ kind: 'failedPrecondition' }))
})
