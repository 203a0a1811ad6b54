import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { startDriverProgram } from '../support/fake-driver.ts'
import { filesOf, installSdk, packSdk, typeCheck } from '../support/packed-sdk.ts'
import { repository } from '../support/repository.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const run = promisify(execFile)
let directory: TemporaryDirectory
let tarball: string
/** A folder in which the package is installed. */
let vendor: string

beforeAll(async () => {
  directory = await temporaryDirectory()
  tarball = await packSdk(directory.path)
  vendor = join(directory.path, 'vendor')
  await installSdk(vendor, tarball)
})
afterAll(() => directory[Symbol.asyncDispose]())

const driver = `
import { type Call, ConetError, defineDriver, type Network, runDriver, StateFile } from '@conet/sdk'
import { ConetClient } from '@conet/sdk/client'
import type { Report } from '@conet/sdk/conformance'
import { JsonRpcPeer } from '@conet/sdk/jsonrpc'
import { openSandbox, Rtnl } from '@conet/sdk/linux'

export type Used = [Report, ConetClient, JsonRpcPeer, typeof openSandbox, typeof StateFile, typeof Rtnl]
const networks = new Map<string, Network>()
const driver = defineDriver({
  name: 'wire',
  version: '1.0.0',
  async createNetwork(network: Network, call: Call) {
    if (network.name === 'forbidden') throw new ConetError('invalidArgument', 'no')
    networks.set(network.id, network)
    call.log('info', 'made', { name: network.name })
  },
  deleteNetwork: async (id) => void networks.delete(id),
  listNetworks: async () => [...networks.keys()],
  async createEndpoint() {},
  async deleteEndpoint() {},
  listEndpoints: async () => [],
  plug: async () => ({ interfaces: [] }),
  async unplug() {},
})
await runDriver(driver)
`

describe('the packed SDK', () => {
  it('[K5] has its licence, its README, its programs and its types, and nothing that is not for users', async () => {
    const files = (await filesOf(tarball)).map((file) => file.replace(/^package\//, ''))
    expect(files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'bin/conet-conformance.js',
        'bin/conet-sdk.js',
        'dist/index.d.ts',
        'dist/index.js',
        'dist/linux/index.d.ts',
        'protocol.schema.json',
        'template/src/driver.js',
      ]),
    )
    expect(files.filter((file) => /\.map$|tsbuildinfo|\.test\.|^src\//.test(file))).toEqual(
      files.filter((file) => file.startsWith('template/test/')),
    )
    const text = (path: string) => readFile(join(repository, path), 'utf8')
    expect(await text('sdk/LICENSE')).toBe(await text('LICENSE'))
  })

  it('[K5] is enough, in an empty folder, to write a driver with types, run it, and have the host use it', async () => {
    const folder = vendor
    const installed = await realpath(join(folder, 'node_modules/@conet/sdk'))
    expect(installed).toBe(join(await realpath(folder), 'node_modules/@conet/sdk'))
    expect(await readdir(join(folder, 'node_modules/@conet'))).toEqual(['sdk'])
    await writeFile(join(folder, 'driver.ts'), driver)
    const strict = ['--ignoreConfig', '--strict', '--target', 'es2023', '--types', 'node', 'driver.ts']
    await typeCheck(folder, ['--noEmit', '--module', 'esnext', '--moduleResolution', 'bundler', ...strict])
    await typeCheck(folder, ['--module', 'nodenext', ...strict])

    await using host = await ConetdFixture.start()
    const socketPath = join(host.driverDirectory, 'wire.sock')
    await using program = await startDriverProgram({
      program: join(folder, 'driver.js'),
      args: ['--socket', socketPath],
      socketPath,
    })
    await eventually(async () => expect((await host.client.getDriver('wire')).state).toBe('ready'))
    await host.client.createNetwork({ name: 'lab', type: 'wire' })
    await host.client.putContainerConfig('c1', { attach_to: ['lab'] })
    const endpoint = await host.client.getContainer('c1')
    expect(endpoint.attachments).toMatchObject([{ network_name: 'lab' }])
    await host.client.deleteContainer('c1')
    await host.client.deleteNetwork('lab')
    expect(await program.end()).toBe(0)
  })
})

describe('conet-sdk init', () => {
  const conetSdk = (args: readonly string[], cwd: string) =>
    run(join(vendor, 'node_modules/.bin/conet-sdk'), [...args], { cwd })
  const failure = (args: readonly string[], cwd: string) =>
    conetSdk(args, cwd).then(
      () => ({ code: 0, stderr: '' }),
      ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
    )

  it('[K5] writes a driver that has types, and passes the conformance kit as it is', {
    timeout: 300_000,
  }, async () => {
    const { stdout } = await conetSdk(['init', 'acme-wire'], directory.path)
    expect(stdout).toContain('npm test')
    const folder = join(directory.path, 'acme-wire')
    await installSdk(folder, tarball)
    await typeCheck(folder, ['-p', 'jsconfig.json', '--noEmit'])
    const unit = await readFile(join(folder, 'systemd/conet-driver-acme-wire.service'), 'utf8')
    expect(unit).toContain('ExecStart=/usr/local/bin/conet-driver-acme-wire')
    const { stdout: report } = await run('npm', ['test'], { cwd: folder, timeout: 290_000 }).catch(
      ({ stdout }: { stdout: string }) => ({ stdout }),
    )
    expect(report).toMatch(/^# pass [1-9]\d+$/m)
    expect(report).toMatch(/^# fail 0$/m)
    expect(await readFile(join(folder, 'src/driver.js'), 'utf8')).not.toMatch(/my-?driver/i)
    const manifest = async (path: string) => JSON.parse(await readFile(path, 'utf8'))
    const { version } = await manifest(join(repository, 'sdk/package.json'))
    const { dependencies } = await manifest(join(repository, 'sdk/template/package.json'))
    expect(dependencies).toEqual({ '@conet/sdk': version })
  })

  it('writes nothing into a folder that has something in it, or under a name that no driver may have', async () => {
    const folder = join(directory.path, 'taken')
    await mkdir(folder)
    await writeFile(join(folder, 'notes.txt'), 'mine')
    expect(await failure(['init', 'taken'], directory.path)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"notes.txt" is there already'),
    })
    expect(await readdir(folder)).toEqual(['notes.txt'])
    expect(await failure(['init', 'Not_A_Name'], directory.path)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('its name must be'),
    })
    expect(await readdir(directory.path)).not.toContain('Not_A_Name')
    const wrong: [string[], string][] = [
      [[], 'a command is missing'],
      [['init'], 'init needs the FOLDER'],
      [['init', 'x', 'y'], 'does not know y'],
      [['make', 'x'], 'there is no command "make"'],
      [['init', 'x', '--colour'], '--colour'],
    ]
    for (const [args, why] of wrong) {
      const { code, stderr } = await failure(args, directory.path)
      expect([code, stderr.split('\n')[0], stderr]).toEqual([
        ...[2, expect.stringContaining(why)],
        expect.stringContaining('Usage: conet-sdk init'),
      ])
    }
  })

  it('takes another name than that of the folder, and a folder that is there and empty', async () => {
    await mkdir(join(directory.path, 'empty'))
    await conetSdk(['init', '.', '--name', '9-lives.x'], join(directory.path, 'empty'))
    const source = await readFile(join(directory.path, 'empty/src/driver.js'), 'utf8')
    expect(source).toContain("name: '9-lives.x'")
    expect(source).toContain('export function driver9LivesX()')
  })
})
