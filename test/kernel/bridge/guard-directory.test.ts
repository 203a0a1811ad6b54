// A directory for the guard of a namespace that somebody else has made, or may write to.
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HostHandle } from '@conet/sdk'
import { type GuardedDriver, guardNamespace } from '@conet/sdk/bridge-network'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'

/** Of no driver that there is: /run is the machine's. */
const name = `guarded-${process.pid}`
const directory = `/run/conet-driver-${name}`
const stranger = 65_534

const activate = vi.fn()
const driver: GuardedDriver = {
  name,
  version: '0.0.0',
  start: () => Promise.resolve(),
  activate,
  plug: () => Promise.reject(new Error('nothing is plugged')),
  unplug: () => Promise.resolve(),
}
const host: HostHandle = {
  identity: undefined,
  timeouts: undefined,
  role: 'active',
  event: () => undefined,
  log: () => undefined,
  readiness: () => undefined,
}

let elsewhere: TemporaryDirectory

beforeEach(async () => {
  elsewhere = await temporaryDirectory()
  activate.mockClear()
})
afterEach(async () => {
  rmSync(directory, { recursive: true, force: true })
  await elsewhere[Symbol.asyncDispose]()
})

const made = (mode: number, owner = 0) => {
  mkdirSync(directory)
  chmodSync(directory, mode)
  chownSync(directory, owner, 0)
}

it.each<[string, () => void, string]>([
  ['a file', () => writeFileSync(directory, ''), 'it is no directory'],
  ['another user’s', () => made(0o700, stranger), `it belongs to user ${stranger}`],
  ['open to its group', () => made(0o720), 'others may write to it'],
  ['open to all', () => made(0o702), 'others may write to it'],
  ['both', () => made(0o777, stranger), `it belongs to user ${stranger}, others may write to it`],
])(
  'a driver does not take charge where the directory of its guard is %s, and says so',
  async (_, make, why) => {
    make()
    const guarded = guardNamespace(driver)
    await guarded.start(host)
    await expect(guarded.activate()).rejects.toMatchObject({
      kind: 'failedPrecondition',
      message: `start: ${directory} is not this driver's own directory: ${why}`,
      help: 'Remove it, and start the driver again.',
    })
    expect(activate).not.toHaveBeenCalled()
    rmSync(directory, { recursive: true })
    await guarded.activate()
    expect(activate).toHaveBeenCalledOnce()
    await guarded.stop?.()
  },
)

it.each(['another', 'none'])('a link does not lead the guard to a directory elsewhere: %s', async (which) => {
  symlinkSync(join(elsewhere.path, which === 'another' ? '.' : 'nowhere'), directory)
  const guarded = guardNamespace(driver)
  await guarded.start(host)
  await expect(guarded.activate()).rejects.toThrow(/: it is no directory(,|$)/)
  expect(activate).not.toHaveBeenCalled()
  expect(readdirSync(elsewhere.path)).toEqual([])
})
