// The example driver as a vendor has it: installed with the packed SDK in a folder of its own, and run by the host.
import { execFileSync } from 'node:child_process'
import { cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { show } from '../support/iproute.ts'
import { installSdk, packSdk, typeCheck } from '../support/packed-sdk.ts'
import { repository } from '../support/repository.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const example = join(repository, 'drivers/weave-example')
let vendor: TemporaryDirectory
let fixture: ConetdFixture

/** Copied without what was built here, compiled against the packed SDK. */
async function install(folder: string): Promise<string> {
  for (const part of ['package.json', 'src', 'bin'])
    await cp(join(example, part), join(folder, part), { recursive: true })
  await installSdk(folder, await packSdk(folder))
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node']
  const paths = ['--rewriteRelativeImportExtensions', '--outDir', 'dist', 'src/driver.ts']
  await typeCheck(folder, ['--ignoreConfig', ...options, ...paths])
  return join(folder, 'bin/conet-driver-weave-example.js')
}

beforeAll(async () => {
  vendor = await temporaryDirectory()
  const program = await install(join(vendor.path, 'weave'))
  fixture = await ConetdFixture.start({ drivers: ['weave-example'], programs: { 'weave-example': program } })
})

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]()
  await vendor?.[Symbol.asyncDispose]()
})

beforeEach(() => fixture.client.createNetwork({ name: 'lab', type: 'weave-example' }))
afterEach(() => fixture.removeEverything())

const type = 'weave-example'
const ours = () => show('ip link show').filter(({ ifname }) => /^(weave|vw)/.test(String(ifname)))

async function run(handle: string, command: string): Promise<string> {
  const { sandbox } = await fixture.client.getContainer(handle)
  const argv = [`--net=${sandbox?.path}`, 'sh', '-ec', command]
  return execFileSync('nsenter', argv, { encoding: 'utf8', stdio: 'pipe' })
}

async function start(handle: string, network = 'lab'): Promise<string> {
  await fixture.client.putContainerConfig(handle, { attach_to: [network] })
  const { endpoints } = await fixture.client.up(handle)
  return endpoints[0]?.interfaces[0]?.addresses[0] ?? ''
}

const ping = (from: string, address: string) => run(from, `ping -c 1 -W 2 ${address.split('/')[0]}`)

describe('the weave example', () => {
  it('[K8] has at most 200 lines, and needs nothing of conet but its SDK', async () => {
    const files = await readdir(join(example, 'src'))
    const sources = await Promise.all(files.map((file) => readFile(join(example, 'src', file), 'utf8')))
    const lines = sources.map((source) => source.split('\n').length - 1)
    expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(200)
    const imports = sources.flatMap((source) =>
      [...source.matchAll(/ from '([^']+)'/g)].map(([, from]) => from),
    )
    expect(new Set(imports)).toEqual(new Set(['@conet/sdk', '@conet/sdk/linux', './addresses.ts']))
    const { dependencies } = JSON.parse(await readFile(join(example, 'package.json'), 'utf8'))
    expect(Object.keys(dependencies)).toEqual(['@conet/sdk'])
  })

  it('[K8] [C4] two containers ping each other, and their bridge, and unplug takes the interface back', async () => {
    const [one, two] = [await start('one'), await start('two')]
    expect([one, two]).toEqual(['10.32.0.2/16', '10.32.0.3/16'])
    await ping('one', two)
    await ping('two', one)
    expect(await run('one', 'ip route show default; ip -o link show eth0')).toMatch(
      /via 10.32.0.1[\s\S]*mtu 1376/,
    )
    await ping('one', '10.32.0.1')
    const { endpoints } = await fixture.client.getContainer('one')
    await fixture.client.unplug({ handle: 'one', endpoint: endpoints[0]?.id ?? '' })
    expect(await run('one', 'ip -o link')).not.toContain('eth0')
    expect(ours()).toHaveLength(2)
    await fixture.client.deleteContainer('two')
    await fixture.client.deleteNetwork('lab')
    expect(ours()).toEqual([])
  })

  it("[C6] its resolver is in the answers about a container, the network's own one first", async () => {
    const config = { resolver: '192.0.2.53', domain: 'lab.example' }
    await fixture.client.createNetwork({ name: 'other', type, config })
    await start('one')
    await fixture.client.plug('one', { network: 'other' })
    const { dns, endpoints } = await fixture.client.getContainer('one')
    expect(endpoints.map((endpoint) => endpoint.dns)).toEqual([
      { servers: ['10.32.0.1'], search: ['weave.local'], options: [] },
      { servers: ['192.0.2.53'], search: ['lab.example'], options: [] },
    ])
    expect(dns).toEqual({
      servers: ['10.32.0.1', '192.0.2.53'],
      search: ['weave.local', 'lab.example'],
      options: [],
    })
  })

  it('hands out what is asked for, if it can, in the subnet that is named', async () => {
    const subnets = [{ subnet: '10.7.0.0/30', gateway: '10.7.0.2' }]
    await fixture.client.createNetwork({ name: 'small', type, subnets })
    await start('one')
    const plug = (...addresses: string[]) => fixture.client.plug('one', { network: 'small', addresses })
    await expect(plug('10.7.0.9')).rejects.toMatchObject({ kind: 'addressOutOfRange' })
    await expect(plug('10.7.0.2')).rejects.toMatchObject({ kind: 'addressInUse' })
    expect((await plug('10.7.0.1')).interfaces).toMatchObject([{ addresses: ['10.7.0.1/30'] }])
    await expect(plug()).rejects.toMatchObject({ kind: 'addressesExhausted' })
    await ping('one', '10.7.0.2')
    await expect(
      fixture.client.createNetwork({ name: 'six', type, subnets: [{ subnet: 'fd00:7::/64' }] }),
    ).rejects.toMatchObject({ kind: 'invalidArgument', fields: [{ path: 'subnets' }] })
  })

  it('forgets nothing that counts when it is killed, and mends what was broken meanwhile', async () => {
    const [one, two] = [await start('one'), await start('two')]
    const driver = fixture.driver(type)
    await driver.end('SIGKILL')
    const port = ours().find(({ ifname }) => String(ifname).startsWith('vwl'))
    execFileSync('ip', ['link', 'delete', String(port?.ifname)])
    const bridge = ours().find(({ ifname }) => String(ifname).startsWith('weave'))
    execFileSync('ip', ['link', 'set', String(bridge?.ifname), 'down'])
    await fixture.startDriver(type)
    await eventually(() => ping('one', two))
    await ping('two', one)
    expect(await start('three')).toBe('10.32.0.4/16')
    expect((await fixture.client.status()).findings.map(({ code }) => code)).not.toContain(
      'endpoint-in-trouble',
    )
  })

  it('goes on when conetd is killed: no packet is lost, and the addresses stay whose they are', async () => {
    const [one, two] = [await start('one'), await start('two')]
    await fixture.restart()
    await ping('one', two)
    const { endpoints } = await fixture.client.getContainer('one')
    expect(endpoints[0]?.interfaces[0]?.addresses).toEqual([one])
    await expect(
      fixture.client.plug('one', { network: 'lab', addresses: [two.split('/')[0] ?? ''] }),
    ).rejects.toMatchObject({ kind: 'addressInUse' })
  })

  it('has a program where conetd --spawn looks for it', () => {
    const program = join(repository, 'node_modules/.bin/conet-driver-weave-example')
    expect(execFileSync(program, ['--version'], { encoding: 'utf8' })).toBe('weave-example 0.1.0\n')
  })
})
