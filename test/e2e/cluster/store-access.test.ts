// An etcd that wants certificates and passwords: a host that has them takes part, one that has not says why it does not.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer as createTlsServer } from 'node:tls'
import { CertificateLook } from '@conet/host/cluster/certificate-look'
import { EtcdStore } from '@conet/host/cluster/etcd-store'
import { readClusterSettings } from '@conet/host/conetd/cluster-settings'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ClusterHost, type StoreAccess } from '../../support/cluster-fixture.ts'
import { EtcdProcess } from '../../support/etcd-process.ts'
import { eventually } from '../../support/eventually.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'

let directory: TemporaryDirectory
let etcd: EtcdProcess

const file = (name: string) => join(directory.path, name)
const patience = { timeoutMs: 20_000 }

function openssl(command: string): void {
  execFileSync('sh', ['-ec', command], { cwd: directory.path, stdio: 'pipe' })
}

/** A CA, and a certificate of it that etcd and a client may show. */
function makeCertificates(): void {
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
  for (const ca of ['ca', 'other'])
    openssl(`openssl req -x509 ${key} -keyout ${ca}.key -out ${ca}.pem -subj /CN=${ca} -days 2`)
  openssl(`openssl req ${key} -keyout etcd.key -subj /CN=etcd -addext subjectAltName=IP:127.0.0.1 |
           openssl x509 -req -CA ca.pem -CAkey ca.key -copy_extensions copy -days 2 -out etcd.pem`)
}

beforeAll(async () => {
  directory = await temporaryDirectory()
  makeCertificates()
  const tls = { ca: file('ca.pem'), cert: file('etcd.pem'), key: file('etcd.key') }
  etcd = await EtcdProcess.start({ tls })
  await etcd.control('user', 'add', 'conet:open sesame')
  await etcd.control('user', 'add', 'guest:open sesame')
  await etcd.control('role', 'add', 'conet')
  await etcd.control('role', 'grant-permission', 'conet', '--prefix=true', 'readwrite', '/conet/v1/')
  await etcd.control('user', 'grant-role', 'conet', 'conet')
  await etcd.askForPasswords('root of all')
  writeFileSync(file('password'), 'open sesame\n')
  writeFileSync(file('wrong'), 'open barley\n')
})
afterAll(async () => {
  await etcd?.[Symbol.asyncDispose]()
  await directory?.[Symbol.asyncDispose]()
})

/** What a host shows that may take part. */
function access(): StoreAccess {
  const tls = { ca: file('ca.pem'), cert: file('etcd.pem'), key: file('etcd.key') }
  return { ...tls, user: 'conet', password_file: file('password') }
}

it('a call fails in its time also where etcd ends the connection and shows no certificate to who looks at it then', async () => {
  let connections = 0
  const silent = createServer((socket) => {
    connections += 1
    if (connections === 1) socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const tls = { caFile: file('ca.pem') }
  const store = new EtcdStore({ endpoints: [`127.0.0.1:${port}`], tls, timeoutMs: 300 })
  const before = performance.now()
  await expect(store.get('/conet/v1/generation')).rejects.toMatchObject({ kind: 'clusterUnavailable' })
  expect(performance.now() - before).toBeLessThan(900)
  store.close()
  silent.close()
})

it('a connection that fails late, while it is looked whether etcd speaks TLS at all, is no failure of the host', async () => {
  const encrypted = createTlsServer({
    cert: readFileSync(file('etcd.pem')),
    key: readFileSync(file('etcd.key')),
  })
  let connections = 0
  const late = createServer((socket) => {
    connections += 1
    // The second one, which is not encrypted, hears nothing.
    if (connections > 1) return
    encrypted.emit('connection', socket)
    setTimeout(() => socket.resetAndDestroy(), 600)
  }).listen(0, '127.0.0.1')
  await once(late, 'listening')
  const { port } = late.address() as AddressInfo
  const trust = { ca: readFileSync(file('ca.pem')), skipsVerification: false }
  expect(await new CertificateLook([`127.0.0.1:${port}`], trust).fault(5_000)).toBeUndefined()
  expect(connections).toBe(2)
  late.close()
})

it('a host with a certificate and a password of a user that may do no more than it needs takes part, also after a restart of etcd', async () => {
  await using one = await ClusterHost.start(`etcds://${etcd.endpoint}`, 'one', 1, { access: access() })
  await eventually(() => one.client.createNetwork({ name: 'blue', type: 'span' }), patience)
  expect(await one.plug('a', 'blue')).toMatchObject({ published: true })
  await etcd.stop('SIGKILL')
  await etcd.start()
  await one.plug('b', 'blue')
  const b = async () => (await one.client.getContainer('b')).endpoints
  await eventually(async () => expect(await b()).toMatchObject([{ published: true }]), patience)
  await one.removeContainers()
  await eventually(() => one.client.deleteNetwork('blue'), patience)
})

it('the status of a host with another password says that etcd refuses it, and what to look at', async () => {
  const wrong = { ...access(), password_file: file('wrong') }
  await using one = await ClusterHost.start(`etcds://${etcd.endpoint}`, 'one', 1, { access: wrong })
  const found = {
    code: 'cluster-away',
    message: expect.stringContaining('etcd refuses the user or the password of this host'),
    help: expect.stringMatching(/^look at --cluster-user and the password in --cluster-password-file/),
  }
  await eventually(
    async () => expect((await one.client.status()).findings).toContainEqual(expect.objectContaining(found)),
    patience,
  )
})

/** As who runs etcd gives a user another password. */
async function giveUser(name: string, password: string): Promise<void> {
  await etcd.control('user', 'delete', name).catch(() => undefined)
  await etcd.control('user', 'add', `${name}:${password}`)
  await etcd.control('user', 'grant-role', name, 'conet')
}

const isJoined = { cluster: { state: 'joined' } }

async function findingsOf(host: ClusterHost) {
  return (await host.client.status()).findings
}

it('a password that is changed while conetd runs is said to be refused, with its file, and is read again', async () => {
  await giveUser('late', 'first')
  writeFileSync(file('late'), 'first')
  const late = { ...access(), user: 'late', password_file: file('late') }
  const store = `etcds://${etcd.endpoint}`
  await using one = await ClusterHost.start(store, 'late', 4, { access: late })
  await using two = await ClusterHost.start(store, 'other', 5, { access: access() })
  await eventually(async () => expect(await one.client.status()).toMatchObject(isJoined), patience)
  await eventually(() => one.client.createNetwork({ name: 'blue', type: 'span' }), patience)
  await giveUser('late', 'second')
  const refused = { code: 'cluster-away', help: expect.stringContaining(`(${file('late')})`) }
  await eventually(
    async () => expect(await findingsOf(one)).toContainEqual(expect.objectContaining(refused)),
    patience,
  )
  writeFileSync(file('late'), 'second\n')
  await eventually(async () => expect(await one.client.status()).toMatchObject(isJoined), patience)
  expect((await findingsOf(one)).map(({ code }) => code)).not.toContain('cluster-away')
  const log = readFileSync(one.fixture.conetd.logFile, 'utf8')
  expect(log.match(/etcd refuses this host/g)).toHaveLength(1)
  expect(log.match(/etcd takes this host again/g)).toHaveLength(1)
  await eventually(() => two.client.createNetwork({ name: 'red', type: 'span' }), patience)
  await one.knows('red')
  await eventually(() => one.plug('a', 'blue'), patience)
  // Etcd takes the host again, which may be after the plug has given up waiting for it.
  const a = async () => (await one.client.getContainer('a')).endpoints
  await eventually(async () => expect(await a()).toMatchObject([{ published: true }]), patience)
  await one.removeContainers()
  for (const name of ['blue', 'red']) await eventually(() => one.client.deleteNetwork(name), patience)
})

it('a certificate of the host that etcd does not trust is named, and read again when it is replaced', async () => {
  const put = (from: string) => {
    for (const end of ['pem', 'key']) copyFileSync(file(`${from}.${end}`), file(`own.${end}`))
  }
  put('other')
  const own = { ...access(), cert: file('own.pem'), key: file('own.key') }
  await using one = await ClusterHost.start(`etcds://${etcd.endpoint}`, 'owner', 3, { access: own })
  const refused = {
    code: 'cluster-away',
    message: expect.stringContaining('etcd does not trust the certificate of this host'),
    help: expect.stringContaining(`--cluster-cert (${file('own.pem')})`),
  }
  await eventually(
    async () => expect(await findingsOf(one)).toContainEqual(expect.objectContaining(refused)),
    patience,
  )
  put('etcd')
  await eventually(async () => expect(await one.client.status()).toMatchObject(isJoined), patience)
})

it('while the files are half replaced what is wrong with them is told, and not what etcd thinks of those before', async () => {
  const put = (from: string, end: string) => copyFileSync(file(`${from}.${end}`), file(`half.${end}`))
  put('other', 'pem')
  put('other', 'key')
  const half = { ...access(), cert: file('half.pem'), key: file('half.key') }
  await using one = await ClusterHost.start(`etcds://${etcd.endpoint}`, 'half', 6, { access: half })
  const says = async (message: string) => {
    const away = { code: 'cluster-away', message: expect.stringContaining(message) }
    const told = async () => expect(await findingsOf(one)).toContainEqual(expect.objectContaining(away))
    await eventually(told, patience)
    // Whatever else is asked of etcd meanwhile: it tries to join every few seconds.
    for (const until = performance.now() + 6_000; performance.now() < until; await sleep(100)) await told()
  }
  await eventually(async () => expect(await one.findings()).toContain('cluster-away'), patience)
  put('etcd', 'pem')
  await says('cluster.key (--cluster-key) is not the key of')
  rmSync(file('half.key'))
  await says('cluster.key (--cluster-key) cannot be read')
  put('etcd', 'key')
  await eventually(async () => expect(await one.client.status()).toMatchObject(isJoined), patience)
})

it('the certificate of etcd itself is enough of a CA, also where another has signed it', async () => {
  const store = storeWith({ ca: file('etcd.pem') })
  expect((await store.list('/conet/v1/')).revision).toBeGreaterThan(0)
  store.close()
})

it('an etcd without TLS, and a host without TLS or a certificate, are told apart from an etcd that is away', async () => {
  await using plain = await EtcdProcess.start({ port: 2389, members: [2389] })
  const tls = new EtcdStore({ endpoints: [plain.endpoint], tls: { caFile: file('ca.pem') } })
  const none = new EtcdStore({ endpoints: [etcd.endpoint] })
  const says = (store: EtcdStore, words: string, help: string) =>
    eventually(
      () =>
        expect(store.list('/conet/v1/')).rejects.toMatchObject({
          message: expect.stringContaining(words),
          help: expect.stringContaining(help),
        }),
      { timeoutMs: 15_000, everyMs: 500 },
    )
  await says(tls, 'etcd speaks no TLS, and this host does', '--cluster etcd://')
  const bare = new EtcdStore({ endpoints: [etcd.endpoint], tls: { caFile: file('ca.pem') } })
  await says(bare, 'certificate of this host', 'start conetd with --cluster-cert and --cluster-key')
  bare.close()
  await says(none, 'etcd speaks TLS, and this host does not', '--cluster etcds://')
  tls.close()
  none.close()
})

const lax = () => ({ ca: file('other.pem'), insecure_skip_tls_verify: true })

it('a host that is told not to look at etcd’s certificate takes part, and warns in its log', async () => {
  const options = { access: { ...access(), ...lax() } }
  await using one = await ClusterHost.start(`etcds://${etcd.endpoint}`, 'lax', 2, options)
  await eventually(async () => expect(await one.client.status()).toMatchObject(isJoined), patience)
  expect(readFileSync(one.fixture.conetd.logFile, 'utf8')).toContain('--cluster-insecure-skip-tls-verify')
})

it('a certificate is not looked at for one store, and still is for the next', async () => {
  const first = storeWith(lax())
  const next = storeWith({ ca: file('other.pem') })
  expect((await first.list('/conet/v1/')).revision).toBeGreaterThan(0)
  await expect(next.list('/conet/v1/')).rejects.toMatchObject({ kind: 'clusterUnavailable' })
  first.close()
  next.close()
})

function storeWith(change: StoreAccess): EtcdStore {
  const section = { store: `etcds://${etcd.endpoint}`, node: 'one', underlay_address: '192.0.2.1' }
  const settings = readClusterSettings({ ...section, ...access(), ...change })
  if (settings === undefined) throw new Error('there are no settings')
  return new EtcdStore(settings.etcd)
}

it.each<[string, () => StoreAccess, string | RegExp, string]>([
  [
    'another password',
    () => ({ password_file: file('wrong') }),
    'refuses the user or the password',
    '--cluster-user',
  ],
  [
    'a user that may not read there',
    () => ({ user: 'guest' }),
    'refuses this to the user',
    'grant-permission',
  ],
  [
    'a certificate that etcd does not trust, which does not look at that of etcd,',
    () => ({ ...lax(), cert: file('other.pem'), key: file('other.key') }),
    'etcd does not trust the certificate of this host',
    '--cluster-cert (',
  ],
  [
    'a CA that has not signed etcd’s certificate',
    () => ({ ca: file('other.pem') }),
    /the certificate of etcd is not trusted: 127\.0\.0\.1:\d+: [A-Z_]+$/,
    'name the authority that has signed it, or the certificate itself, with --cluster-ca',
  ],
])('a host with %s is refused, and says so', async (_, change, why, help) => {
  const store = storeWith(change())
  const { signal } = new AbortController()
  const refused = { kind: 'clusterUnavailable', help: expect.stringContaining(help) }
  const list = () =>
    expect(store.list('/conet/v1/')).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(why),
    })
  // A look at the certificate of a busy etcd may find nobody there.
  await eventually(list, { timeoutMs: 20_000, everyMs: 500 })
  await expect(
    store.watch('/conet/v1/', { after: 0, signal, changed: () => undefined }),
  ).rejects.toMatchObject(refused)
  store.close()
})
