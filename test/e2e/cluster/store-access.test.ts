// An etcd that wants certificates and passwords: a host that has them takes part, one that has not says why it does not.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
  await etcd.control('role', 'add', 'conet')
  await etcd.control('role', 'grant-permission', 'conet', '--prefix=true', 'readwrite', '/conet/v1/')
  await etcd.control('user', 'grant-role', 'conet', 'conet')
  await etcd.askForPasswords('root of all')
  writeFileSync(file('password'), 'open sesame\n')
  writeFileSync(file('wrong'), 'open barley\n')
}, 60_000)
afterAll(async () => {
  await etcd?.[Symbol.asyncDispose]()
  await directory?.[Symbol.asyncDispose]()
})

/** What a host shows that may take part. */
function access(): StoreAccess {
  const tls = { ca: file('ca.pem'), cert: file('etcd.pem'), key: file('etcd.key') }
  return { ...tls, user: 'conet', password_file: file('password') }
}

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
}, 90_000)

it.each([
  ['another password', () => ({ password_file: file('wrong') }), 'refuses this host'],
  ['a CA that has not signed etcd’s certificate', () => ({ ca: file('other.pem') }), 'cannot be reached'],
])('a host with %s is refused, and says so', async (_, change, why) => {
  const section = { store: `etcds://${etcd.endpoint}`, node: 'one', underlay_address: '192.0.2.1' }
  const settings = readClusterSettings({ ...section, ...access(), ...change() })
  if (settings === undefined) throw new Error('there are no settings')
  const store = new EtcdStore(settings.etcd)
  await expect(store.list('/conet/v1/')).rejects.toMatchObject({
    kind: 'clusterUnavailable',
    message: expect.stringContaining(why),
  })
  store.close()
})
