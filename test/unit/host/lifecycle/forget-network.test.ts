// A host without drivers, whose records are real ones: what waits for what when a network goes.
import { join } from 'node:path'
import { buildHost } from '@conet/host/conetd/host-context'
import { machineIdentity } from '@conet/host/conetd/machine-identity'
import { readSettings } from '@conet/host/conetd/settings'
import { openStores } from '@conet/host/conetd/stores'
import type { EndpointRecord } from '@conet/host/domain/endpoint'
import type { NetworkRecord } from '@conet/host/domain/network'
import { deleteNetwork, forgetNetwork, type HostContext, up } from '@conet/host/lifecycle/index'
import { containerQueue } from '@conet/host/lifecycle/keys'
import { ConetError } from '@conet/sdk'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'
import { endpoint, network } from '../api/api-fixture.ts'

const operation = { id: 'op' }
/** Two that wait for each other would do so for ever. */
const mostMs = 20_000

const leaving = (handle: string): EndpointRecord => ({
  ...endpoint,
  id: `endpoint-of-${handle}`,
  handle,
  state: 'deleting',
})

/** Containers web and db were in its network, whose driver is away until `isDriverThere`. */
async function makeWorld(own: Partial<NetworkRecord> = {}) {
  const directory = await temporaryDirectory()
  const places = { runDir: join(directory.path, 'run'), stateDir: join(directory.path, 'state') }
  const settings = {
    ...readSettings({}, {}),
    ...places,
    defaultAttachment: { name: network.name, type: network.type },
  }
  const log = pino({ level: 'silent' })
  const stores = await openStores(settings, log)
  const driver = { isThere: false }
  const away = () => new ConetError('driverUnavailable', 'driver "null" has no socket')
  const host = buildHost({
    settings,
    stores,
    machine: machineIdentity(stores.durable),
    drivers: {
      require: () => Promise.reject(away()),
      available: () => undefined,
      isThere: () => driver.isThere,
      stateOf: () => 'gone',
    },
    cluster: undefined,
    log,
  })
  host.inventory.putNetwork({ ...network, ...own })
  host.addresses.open({ ...network, ...own })
  host.inventory.commit((change) => {
    for (const handle of ['web', 'db']) change.putEndpoint(leaving(handle))
  })
  return {
    host,
    driver,
    async [Symbol.asyncDispose]() {
      host.removals[Symbol.dispose]()
      host.inventory[Symbol.dispose]()
      await stores[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** Something slow is done to the container until `end`. */
function busy({ queue }: HostContext, handle: string): { end(): void } {
  let end = () => {}
  void queue.run(
    containerQueue(handle),
    () =>
      new Promise<void>((resolve) => {
        end = resolve
      }),
  )
  return { end: () => end() }
}

const isBuried = ({ inventory }: HostContext) =>
  eventually(() => expect(inventory.networks.get(network.id)?.state).toBe('deleting'))

const onRecord = ({ inventory }: HostContext) => [
  [...inventory.networks.values()].map(({ name }) => name),
  [...inventory.endpoints.values()].map(({ handle }) => handle),
]

describe('a network that is forgotten', () => {
  it(
    'waits for its containers, and lets one that starts meanwhile go on that wants it made anew',
    async () => {
      await using world = await makeWorld()
      const { host } = world
      const slow = busy(host, 'db')
      const other = busy(host, 'web')
      const started = up(host, 'web', {}, operation)
      const refused = expect(started).rejects.toMatchObject({ kind: 'operationPending' })
      const forgotten = forgetNetwork(host, network.name, operation)
      await isBuried(host)
      other.end()
      await refused
      slow.end()
      await forgotten
      expect(onRecord(host)).toEqual([[], []])
      expect(host.queue.size).toBe(0)
    },
    mostMs,
  )

  it('stays on its way out when its caller gives up half-way, and goes when it is asked for again', async () => {
    await using world = await makeWorld()
    const { host } = world
    const caller = new AbortController()
    const slow = busy(host, 'db')
    const forgotten = forgetNetwork(host, network.name, { ...operation, signal: caller.signal })
    const refused = expect(forgotten).rejects.toMatchObject({
      kind: 'cancelled',
      operationState: 'partial',
      message: 'forget network blue: its caller gave it up',
    })
    await eventually(() => expect(onRecord(host)).toEqual([['blue'], ['db']]))
    caller.abort()
    slow.end()
    await refused
    expect(onRecord(host)).toEqual([['blue'], ['db']])
    expect(host.removals.has(network.id)).toBe(true)
    await forgetNetwork(host, network.name, operation)
    expect(onRecord(host)).toEqual([[], []])
  })

  it('is not touched when its caller has given up before its turn', async () => {
    await using world = await makeWorld()
    const { host } = world
    const signal = AbortSignal.abort()
    await expect(forgetNetwork(host, network.name, { ...operation, signal })).rejects.toBe(signal.reason)
    expect(host.inventory.networks.get(network.id)?.state).toBe('active')
  })

  it('stays on its way out when its driver comes back half-way, which is said', async () => {
    await using world = await makeWorld()
    const { host, driver } = world
    const slow = busy(host, 'db')
    const refused = expect(forgetNetwork(host, network.name, operation)).rejects.toMatchObject({
      kind: 'failedPrecondition',
      operationState: 'partial',
    })
    await isBuried(host)
    driver.isThere = true
    slow.end()
    await refused
    expect(host.inventory.networks.get(network.id)?.state).toBe('deleting')
    expect(host.removals.has(network.id)).toBe(true)
  })

  it('may be one of a cluster once it is on its way out here, and not before: other hosts may use it', async () => {
    await using used = await makeWorld({ scope: 'global' })
    await expect(forgetNetwork(used.host, network.name, operation)).rejects.toMatchObject({
      kind: 'failedPrecondition',
      operationState: 'not-started',
    })
    await using deleted = await makeWorld({ scope: 'global', state: 'deleting' })
    await forgetNetwork(deleted.host, network.name, operation)
    expect(onRecord(deleted.host)).toEqual([[], []])
  })
})

describe('a network that is deleted', () => {
  it(
    'waits for its containers, and lets one that starts meanwhile go on that wants it made anew',
    async () => {
      await using world = await makeWorld()
      const { host } = world
      const slow = busy(host, 'web')
      const started = up(host, 'web', {}, operation)
      const refused = expect(started).rejects.toMatchObject({ kind: 'operationPending' })
      const removed = deleteNetwork(host, network.name, operation)
      await isBuried(host)
      slow.end()
      await refused
      expect(await removed).toBe('deleting')
      expect(host.queue.size).toBe(0)
    },
    mostMs,
  )
})
