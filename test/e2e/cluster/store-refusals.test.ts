// An etcd that begins to refuse a host that takes part, and that takes it again: both are told, and nobody need start anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EtcdStore } from '@conet/host/cluster/etcd-store'
import { root } from '@conet/host/cluster/keys'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { ClusterHost } from '../../support/cluster-fixture.ts'
import { EtcdProcess } from '../../support/etcd-process.ts'
import { eventually } from '../../support/eventually.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'

const patience = { timeoutMs: 30_000 }

let directory: TemporaryDirectory
let etcd: EtcdProcess
let host: ClusterHost
/** Each is a machine of its own, whose name no other may have. */
let hosts = 0

beforeAll(async () => {
  directory = await temporaryDirectory()
  etcd = await EtcdProcess.start()
  await etcd.control('user', 'add', 'conet:open sesame')
  await etcd.control('role', 'add', 'conet')
  await mayDo('readwrite')
  await etcd.control('user', 'grant-role', 'conet', 'conet')
  await etcd.askForPasswords('root of all')
  writeFileSync(join(directory.path, 'password'), 'open sesame\n')
})
afterAll(async () => {
  await etcd?.[Symbol.asyncDispose]()
  await directory?.[Symbol.asyncDispose]()
})

beforeEach(async () => {
  const access = { user: 'conet', password_file: join(directory.path, 'password') }
  hosts += 1
  host = await ClusterHost.start(`etcd://${etcd.endpoint}`, `host${hosts}`, hosts, { access })
  await takesPart()
  // All that it has to write at first is written.
  await eventually(() => host.client.createNetwork({ name: 'blue', type: 'span' }), patience)
})
afterEach(async () => {
  await eventually(() => host.client.deleteNetwork('blue'), patience)
  await host[Symbol.asyncDispose]()
})

async function mayDo(what: 'read' | 'readwrite'): Promise<void> {
  await etcd.control('role', 'grant-permission', 'conet', '--prefix=true', what, '/conet/v1/')
}

async function takesPart(): Promise<void> {
  await eventually(async () => {
    const { cluster, findings } = await host.client.status()
    expect(cluster).toMatchObject({ state: 'joined' })
    expect(findings.map(({ code }) => code)).not.toContain('cluster-away')
  }, patience)
}

/** What `conet status` says of it. */
async function isAway(message: string, help: string): Promise<void> {
  const away = {
    code: 'cluster-away',
    message: expect.stringContaining(message),
    help: expect.stringContaining(help),
  }
  await eventually(async () => {
    const { cluster, findings } = await host.client.status()
    expect(findings).toContainEqual(expect.objectContaining(away))
    expect(cluster).toMatchObject({ state: 'away' })
  }, patience)
}

function timesInLog(words: RegExp): number {
  return readFileSync(host.fixture.conetd.logFile, 'utf8').match(words)?.length ?? 0
}

/** Nobody asks the host meanwhile: it finds out by itself. */
async function saysInLog(words: RegExp): Promise<void> {
  await eventually(() => expect(timesInLog(words)).toBe(1), { timeoutMs: 20_000 })
}

it('a permission that is taken away while conetd runs is told, in the log once, and so is that it is given again', async () => {
  await etcd.control('role', 'revoke-permission', 'conet', '--prefix=true', '/conet/v1/')
  await saysInLog(/etcd refuses this host/g)
  await isAway('etcd refuses this to the user of this host', 'grant-permission ROLE')
  await mayDo('readwrite')
  await saysInLog(/etcd takes this host again/g)
  await takesPart()
  expect(timesInLog(/etcd refuses this host/g)).toBe(1)
})

it('a user that may read but not write is told as soon as the host has something to write', async () => {
  await mayDo('read')
  await expect(host.client.createNetwork({ name: 'red', type: 'span' })).rejects.toMatchObject({
    kind: 'clusterUnavailable',
  })
  await isAway('etcd refuses this to the user of this host', 'readwrite /conet/v1/')
  await mayDo('readwrite')
  await saysInLog(/etcd takes this host again/g)
  await takesPart()
})

it('who may read but not write finds out by a transaction that writes nothing', async () => {
  const user = { name: 'conet', passwordFile: join(directory.path, 'password') }
  const store = new EtcdStore({ endpoints: [etcd.endpoint], user })
  const write = () => store.commit([{ present: root }], [{ put: root, value: '' }])
  expect(await write()).toMatchObject({ committed: false })
  await mayDo('read')
  await eventually(() => expect(write()).rejects.toMatchObject({ kind: 'clusterUnavailable' }))
  expect(store.refusal).toBeDefined()
  await mayDo('readwrite')
  store.close()
})

it('a host with a password is refused by an etcd that asks for none any more, and says so', async () => {
  await etcd.control('auth', 'disable')
  await saysInLog(/etcd refuses this host/g)
  await isAway('etcd refuses what this host asks', 'leave --cluster-user away')
  await etcd.control('auth', 'enable')
  await saysInLog(/etcd takes this host again/g)
  await takesPart()
})
