// The host's drivers room on a directory of its own, with everything it says kept for the test.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  Discovery,
  type DriverEntry,
  DriverRegistry,
  type SeatRecords,
  type SessionTiming,
  type Supervision,
  type Sync,
  type VersionRules,
} from '@conet/host/drivers/index'
import { eventually } from './eventually.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export type DriverHostOptions = {
  readonly timing?: Partial<SessionTiming>
  readonly supervision?: Supervision
  readonly sync?: Sync
  readonly versionRules?: VersionRules
  /** As of an earlier host. */
  readonly seats?: SeatRecords
  /** Use this one instead of a temporary one. */
  readonly directory?: string
}

export type DriverHost = Awaited<ReturnType<typeof startDriverHost>>

export async function startDriverHost({
  timing,
  supervision,
  sync,
  versionRules,
  seats,
  directory,
}: DriverHostOptions = {}) {
  const temporary = await temporaryDirectory()
  const driverDirectory = directory ?? join(temporary.path, 'd')
  await mkdir(driverDirectory, { recursive: true })
  const changes: DriverEntry[] = []
  const notices: { driver: string; kind: string; content: unknown }[] = []
  const bugs: unknown[] = []
  const registry = new DriverRegistry({
    host: { name: 'conetd', version: '0.1.0', instanceId: 'test-host', nodeId: 'node-1' },
    sinks: {
      event: (driver, content) => notices.push({ driver, kind: 'event', content }),
      log: (driver, content) => notices.push({ driver, kind: 'log', content }),
      readiness: (driver, content) => notices.push({ driver, kind: 'readiness', content }),
      violation: (driver, kind, message) =>
        notices.push({ driver, kind: 'violation', content: { kind, message } }),
      health: (driver, content) => notices.push({ driver, kind: 'health', content }),
    },
    sync: sync ?? (async () => undefined),
    onChange: (entry) => changes.push(entry),
    onError: (error) => bugs.push(error),
    timing: { firstBackoffMs: 20, mostBackoffMs: 200, ...timing },
    ...(supervision && { supervision }),
    ...(versionRules && { versionRules }),
    ...(seats && { seats }),
  })
  const discovery = new Discovery({
    directory: driverDirectory,
    appeared: (socket) => registry.appeared(socket),
    gone: (socket) => registry.gone(socket),
    failed: (error) => bugs.push(error),
    renewed: () => undefined,
    rescanMs: 100,
  })
  await discovery.start()
  return {
    registry,
    discovery,
    driverDirectory,
    changes,
    notices,
    bugs,
    socket: (name: string) => join(driverDirectory, `${name}.sock`),
    entry: (name: string) => registry.list().find((entry) => entry.name === name),
    /** Waits until the driver is in that state. */
    until: (name: string, state: DriverEntry['state']) =>
      eventually(() => {
        const found = registry.list().find((entry) => entry.name === name)
        if (found?.state === state) return found
        throw new Error(`driver ${name} is ${found?.state}: ${found?.lastError?.message}`)
      }),
    async [Symbol.asyncDispose]() {
      await discovery.close()
      await registry.close(100)
      await temporary[Symbol.asyncDispose]()
    },
  }
}
