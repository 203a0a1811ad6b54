import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { checkTls } from '@conet/host/cluster/etcd-files'
import { parseArguments } from '@conet/host/conetd/arguments'
import type { Flags } from '@conet/host/conetd/config-sources'
import { readSettings } from '@conet/host/conetd/settings'
import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'

async function withFile<T>(config: unknown, work: (path: string) => T): Promise<T> {
  await using directory = await temporaryDirectory()
  const path = `${directory.path}/conetd.json`
  await writeFile(path, typeof config === 'string' ? config : JSON.stringify(config))
  return work(path)
}

function failureOf(flags: Flags, environment: NodeJS.ProcessEnv = {}): ConetError {
  try {
    readSettings(flags, environment)
  } catch (error) {
    if (ConetError.is(error)) return error
    throw error
  }
  throw new Error('the settings were taken')
}

describe('settings', () => {
  it('have defaults below /run/conet and /var/lib/conet', () => {
    expect(readSettings({}, {})).toMatchObject({
      socket: '/run/conet/conetd.sock',
      runtimeSocket: '/run/conet/conetd.runtime.sock',
      runDir: '/run/conet',
      stateDir: '/var/lib/conet',
      driverDir: '/run/conet/drivers',
      spawn: [],
      logLevel: 'info',
      driverPing: { intervalMs: 10_000, timeoutMs: 3_000 },
    })
  })

  it('say how often a driver is asked whether it still answers, and how long it may take', async () => {
    const timeouts = { driver_ping_interval_ms: 250, driver_ping_ms: 200 }
    const settings = await withFile({ timeouts }, (config) => readSettings({ config }, {}))
    expect(settings.driverPing).toEqual({ intervalMs: 250, timeoutMs: 200 })
  })

  it('have rules on the versions of drivers, and name a rule that is none', async () => {
    const drivers = { weave: { minimum_version: '1.4.0', known_bad: ['>=1.5.0 <1.5.2'] } }
    const settings = await withFile({ drivers }, (config) => readSettings({ config }, {}))
    expect(settings.driverVersions).toEqual(
      new Map([['weave', { minimumVersion: '1.4.0', knownBad: ['>=1.5.0 <1.5.2'] }]]),
    )
    const wrong = [
      [{ weave: { minimum_version: 'new' } }, 'drivers.weave.minimum_version'],
      [{ weave: { known_bad: ['1.0.0', 'the old ones'] } }, 'drivers.weave.known_bad[1]'],
      [{ 'Not A Name': {} }, 'drivers.Not A Name'],
      [{ weave: { maximum_version: '2.0.0' } }, 'drivers.weave.maximum_version'],
    ] as const
    for (const [rules, path] of wrong) {
      const failure = await withFile({ drivers: rules }, (config) => failureOf({ config }))
      expect(failure).toMatchObject({ kind: 'invalidArgument', fields: [{ path }] })
    }
  })

  it('name what is wrong in the subnets of the default attachment before a container needs them', async () => {
    const attachment = (subnet: Record<string, unknown>) => ({
      default_attachment: { name: 'all', type: 'bridge', subnets: [subnet] },
    })
    const settings = await withFile(attachment({ subnet: '10.0.0.0/24' }), (config) =>
      readSettings({ config }, {}),
    )
    expect(settings.defaultAttachment).toMatchObject({ name: 'all' })
    const family = {
      default_attachment: { ...attachment({ subnet: 'fd00::/64' }).default_attachment, ipv6: false },
    }
    expect(await withFile(family, (config) => failureOf({ config }))).toMatchObject({
      fields: [{ path: 'default_attachment.subnets[0].subnet' }, { path: 'default_attachment.ipv6' }],
    })
    for (const [subnet, field] of [
      [{ subnet: '10.0.0.1/33' }, 'subnet'],
      [{ subnet: '10.0.0.0/24', gateway: '10.0.1.1' }, 'gateway'],
    ] as const) {
      const failure = await withFile(attachment(subnet), (config) => failureOf({ config }))
      const path = `default_attachment.subnets[0].${field}`
      expect(failure).toMatchObject({ kind: 'invalidArgument', fields: [{ path }] })
    }
  })

  it('take a flag over the environment over the file over the default', async () => {
    const file = { socket: '/f/s.sock', state_dir: '/f/state', run_dir: '/f/run', spawn: ['null'] }
    await withFile(file, (config) => {
      const settings = readSettings(
        { config, socket: '/flag/s.sock' },
        { CONET_SOCKET: '/env/s.sock', CONET_STATE_DIR: '/env/state', CONET_LOG_LEVEL: '' },
      )
      expect(settings).toMatchObject({
        socket: '/flag/s.sock',
        runtimeSocket: '/flag/s.runtime.sock',
        stateDir: '/env/state',
        runDir: '/f/run',
        driverDir: '/f/run/drivers',
        spawn: ['null'],
        logLevel: 'info',
      })
    })
    await withFile({ spawn: ['null'] }, (path) => {
      expect(readSettings({}, { CONET_CONFIG: path, CONET_SPAWN: '' }).spawn).toEqual([])
    })
  })

  it('have two paths for the two sockets, however they are said', async () => {
    const both = expect.objectContaining({
      kind: 'invalidArgument',
      fields: [
        expect.objectContaining({ path: 'socket' }),
        expect.objectContaining({ path: 'runtime_socket' }),
      ],
    })
    expect(() => readSettings({ socket: '/x' }, { CONET_RUNTIME_SOCKET: '/./x' })).toThrow(both)
    expect(() => readSettings({ runtimeSocket: '/run/conet/conetd.sock' }, {})).toThrow(both)
  })

  it('take relative paths of flags from the working directory', () => {
    expect(readSettings({ runDir: 'x' }, {}).runDir).toBe(`${process.cwd()}/x`)
  })

  it.each([
    [{ bogus: 1 }, 'bogus'],
    [{ timeouts: { stop: 1 } }, 'timeouts.stop'],
    [{ socket: 'relative.sock' }, 'socket'],
    [{ socket: `/${'x'.repeat(107)}` }, 'socket'],
    [{ spawn: ['null', '../x'] }, 'spawn[1]'],
    [{ log_level: 'loud' }, 'log_level'],
    [{ address_pools: { ipv4: [{ base: '10.0.0.0/8', size: '16' }] } }, 'address_pools.ipv4[0].size'],
    [{ address_pools: { ipv4: [{ base: '10.0.0.0/8', size: 4 }] } }, 'address_pools.ipv4[0].size'],
    [{ address_pools: { ipv6: [{ base: 'fd00::/zz', size: 64 }] } }, 'address_pools.ipv6[0].base'],
  ])('refuse a file with a wrong key, naming it: %j', async (config, path) => {
    await withFile(config, (file) => {
      const failure = failureOf({ config: file })
      expect(failure.kind).toBe('invalidArgument')
      expect(failure.fields.map((field) => field.path)).toContain(path)
      expect(failure.message).toContain(path)
    })
  })

  it('say which file cannot be read, and that a file is not JSON', async () => {
    expect(failureOf({ config: '/no/such/file' }).message).toContain('/no/such/file')
    expect(failureOf({ config: '/dev/zero' }).message).toContain('more than 1048576 bytes')
    await withFile('{', (path) => expect(failureOf({ config: path }).message).toContain('not JSON'))
  })

  it('say where a wrong value was said', () => {
    expect(failureOf({ spawn: 'a,../b' }).message).toContain('command line: spawn[1]')
    expect(failureOf({}, { CONET_LOG_LEVEL: 'loud' }).message).toContain(
      'environment: log_level (CONET_LOG_LEVEL)',
    )
    expect(failureOf({ socket: '' }).message).toContain('socket')
  })
})

describe('settings of a cluster', () => {
  const cluster = { cluster: 'etcd://10.0.0.1,[fd00::1]:4001,db:2379', underlayAddress: '192.0.2.7' }

  it('are none unless a store is named', () => {
    expect(readSettings({}, {}).cluster).toBeUndefined()
    expect(failureOf({ node: 'one' }).message).toContain('cluster.store (--cluster) is missing')
    expect(failureOf({ cluster: 'etcd://a' }).message).toContain('(--underlay-address) is missing')
  })

  it('name the members of etcd, with its usual port unless there is another', () => {
    expect(readSettings({ ...cluster, node: 'one', clusterBlockBits: '4' }, {}).cluster).toEqual({
      node: 'one',
      underlayAddress: '192.0.2.7',
      blockBits: 4,
      awaitHostsMs: 30_000,
      etcd: { endpoints: ['10.0.0.1:2379', '[fd00::1]:4001', 'db:2379'] },
    })
    expect(readSettings({ ...cluster, cluster: 'etcds://[fd00::1]' }, {}).cluster).toMatchObject({
      node: hostname(),
      etcd: { endpoints: ['[fd00::1]:2379'], tls: {} },
    })
  })

  it('come member by member from the file, the environment and the flags', async () => {
    const file = {
      cluster: { store: 'etcd://a', node: 'file', underlay_address: '192.0.2.1', block_bits: 3 },
    }
    const { cluster: found } = await withFile(file, (config) =>
      readSettings({ config, node: 'flag' }, { CONET_UNDERLAY_ADDRESS: '192.0.2.2' }),
    )
    expect(found).toMatchObject({ node: 'flag', underlayAddress: '192.0.2.2', blockBits: 3 })
  })

  it('that are wrong or half are refused with their names', () => {
    expect(failureOf({ ...cluster, cluster: '10.0.0.1' }).message).toContain('cluster.store (--cluster) ')
    const variable = failureOf({}, { CONET_CLUSTER: '10.0.0.1' }).message
    expect(variable).toContain('cluster.store (CONET_CLUSTER) ')
    expect(failureOf({ ...cluster, node: 'a/b' }).message).toContain('cluster.node')
    expect(failureOf({ ...cluster, underlayAddress: 'eth0' }).message).toContain('cluster.underlay_address')
    expect(failureOf({ ...cluster, clusterBlockBits: 'x' }).message).toContain('cluster.block_bits')
    expect(failureOf({ ...cluster, clusterKey: '/k' }).message).toContain(
      'cluster.cert (--cluster-cert) is missing',
    )
    expect(failureOf({ ...cluster, clusterUser: 'u' }).message).toContain(
      '(--cluster-password-file) is missing',
    )
    const unreadable = { clusterUser: 'u', clusterPasswordFile: '/nonexistent' }
    expect(failureOf({ ...cluster, ...unreadable }).message).toContain(
      '(--cluster-password-file) cannot be read',
    )
    for (const address of [
      '10.0.0.300',
      '127.0.0.1',
      '0.0.0.0',
      '::1',
      'fe80::1%eth0',
      '224.0.0.1',
      '255.255.255.255',
      'ff02::1',
    ])
      expect(failureOf({ ...cluster, underlayAddress: address }).message).toContain(
        'cluster.underlay_address',
      )
    for (const store of ['etcd://a:99999', 'etcd://a:0', 'etcd://fd00::1', 'etcd://a,b:', 'etcd://me:pw@a'])
      expect(failureOf({ ...cluster, cluster: store }).message).toContain('cluster.store')
  })

  it('name files that can be read, and hold what they should', () => {
    const ca = (path: string) => failureOf({ ...cluster, clusterCa: path }).message
    expect(ca('/nonexistent')).toContain('cluster.ca (--cluster-ca) cannot be read')
    expect(ca('/proc/version')).toContain('/proc/version holds no certificate in PEM')
    const both = { clusterCert: '/proc/version', clusterKey: '/proc/version' }
    expect(failureOf({ ...cluster, ...both }).message).toContain(
      'cluster.cert (--cluster-cert) /proc/version holds no',
    )
  })

  it('have a user with a name, and its password once, which is told nobody', () => {
    const user = (clusterUser: string, more: Flags = {}) => {
      const { message } = failureOf({ ...cluster, clusterUser, ...more })
      expect(message).not.toContain('s3cret')
      return message
    }
    expect(user(':s3cret')).toContain('(--cluster-user) has no name')
    expect(user('conet:')).toContain('(--cluster-password-file) is missing')
    expect(user('conet:s3cret', { clusterPasswordFile: '/proc/version' })).toContain('give one of them')
    expect(user('conet', { clusterPasswordFile: '/dev/null' })).toContain('is empty')
    expect(user('conet', { clusterPasswordFile: '/proc/self/status' })).toContain('more than one line')
    const { message } = failureOf({ ...cluster, cluster: 'etcds://root:s3cret@10.0.0.1' })
    expect(message).toMatch(/\(--cluster\) has a user in it/)
    expect(message).not.toContain('s3cret')
  })

  it('have a key that is not encrypted', async () => {
    const passphrase = 'open sesame'
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
    })
    await withFile(privateKey, (keyFile) =>
      expect(() => checkTls({ keyFile })).toThrow('cluster.key (--cluster-key) is encrypted'),
    )
  })

  it('say that the certificate of etcd is not looked at, which means TLS', () => {
    const tlsOf = (flags: Flags, environment: NodeJS.ProcessEnv = {}) =>
      readSettings({ ...cluster, ...flags }, environment).cluster?.etcd.tls
    const variable = (text: string) => ({ CONET_CLUSTER_INSECURE_SKIP_TLS_VERIFY: text })
    expect(tlsOf({})).toBeUndefined()
    expect(tlsOf({ clusterInsecureSkipTlsVerify: true })).toEqual({ skipsVerification: true })
    expect(tlsOf({}, variable('true'))).toEqual({ skipsVerification: true })
    expect(tlsOf({}, variable('false'))).toBeUndefined()
    expect(() => tlsOf({}, variable('maybe'))).toThrow('cluster.insecure_skip_tls_verify')
  })

  it('have the password of a user in a file, or behind its name, as etcdctl has it', async () => {
    const userOf = (clusterUser: string, more = {}) =>
      readSettings({ ...cluster, clusterUser, ...more }, {}).cluster?.etcd.user
    expect(userOf('conet:open:sesame')).toEqual({ name: 'conet', password: 'open:sesame' })
    const clusterPasswordFile = '/proc/sys/kernel/ostype'
    expect(userOf('conet', { clusterPasswordFile })).toEqual({
      name: 'conet',
      passwordFile: clusterPasswordFile,
    })
  })

  it('have the address of the underlay as the kernel writes it', () => {
    const { cluster: found } = readSettings({ ...cluster, underlayAddress: 'fd00:0:0::7' }, {})
    expect(found?.underlayAddress).toBe('fd00::7')
  })
})

describe('arguments', () => {
  const run = (...argv: string[]) => {
    const output = { out: '', err: '' }
    const parsed = parseArguments(argv, '1.2.3', {
      out: (text) => {
        output.out += text
      },
      err: (text) => {
        output.err += text
      },
    })
    return { parsed, ...output }
  }

  it('are flags in kebab-case', () => {
    expect(run('--runtime-socket', '/r', '--spawn', 'a,b', '--log-level', 'debug').parsed).toEqual({
      action: 'serve',
      flags: { runtimeSocket: '/r', spawn: 'a,b', logLevel: 'debug' },
    })
    expect(run('--stop-drivers', '--run-dir', '/x').parsed).toEqual({
      action: 'stopDrivers',
      flags: { runDir: '/x' },
    })
  })

  it('that ask for help or the version exit with 0, unknown ones with 2', () => {
    expect(run('--version')).toMatchObject({ parsed: { action: 'exit', code: 0 }, out: '1.2.3\n' })
    expect(run('--help').out).toContain('--spawn vxlan --cluster etcd://')
    expect(run('--bogus')).toMatchObject({ parsed: { action: 'exit', code: 2 } })
    expect(run('--bogus').err).toContain('--bogus')
    expect(run('more').parsed).toMatchObject({ code: 2 })
    expect(run('--socket').err).toContain('--socket')
  })
})
