// The command line as a person uses it: real conetd, real null driver, one process a command.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ContainerView, NetworkView } from '@conet/sdk/client'
import { releaseNamespaceDirectory } from '@conet/sdk/linux'
import { describe, expect, it } from 'vitest'
import { ConetdProcess, conetProgram } from '../support/conetd-process.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

type Outcome = { code: number; out: string; err: string }

/** `await conet(host, 'net list')`. */
function conet(host: ConetdProcess, line: string): Promise<Outcome> {
  const env = { ...process.env, CONET_SOCKET: host.socket }
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [conetProgram, ...line.split(' ')],
      { env },
      (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })
}

/** The one line that a command prints, when it does nothing but succeed. */
async function printed(host: ConetdProcess, line: string): Promise<string> {
  const { code, out, err } = await conet(host, line)
  expect({ line, code, err }).toEqual({ line, code: 0, err: '' })
  expect(out.split('\n')).toHaveLength(2)
  return out.trimEnd()
}

async function json<T>(host: ConetdProcess, line: string): Promise<T> {
  const { out } = await conet(host, `${line} --json`)
  return JSON.parse(out)
}

async function started(spawn: readonly string[] = ['null']) {
  const directory = await temporaryDirectory()
  const host = await ConetdProcess.start({ directory: directory.path, spawn })
  return {
    host,
    directory: directory.path,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]()
      // conetd leaves the mount on which sandboxes stand: drivers in other mount namespaces see through it.
      releaseNamespaceDirectory(join(directory.path, 'run/netns'))
      await directory[Symbol.asyncDispose]()
    },
  }
}

describe('the walkthrough', () => {
  it('[C7] [C8] [C9] [C10] [C11] [C15] [C16] creates, plugs, shows both ways, unplugs and deletes', async () => {
    await using run = await started()
    const { host } = run

    const id = await printed(host, 'net create --driver null')
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    const web = await printed(host, 'net create web -d null --subnet 10.77.0.0/16,gateway=10.77.0.1')
    const { out } = await conet(host, 'net list')
    expect(out).toMatch(/^NETWORK ID +NAME +DRIVER +LABELS/)
    expect(out).toMatch(new RegExp(`^${id.slice(0, 12)} +[a-z]+_[a-z]+ +null +\\{\\}`, 'm'))

    expect(await printed(host, `container create c1 --network ${id.slice(0, 12)}`)).toBe('c1')
    const path = await printed(host, 'container up c1')
    expect(existsSync(path)).toBe(true)
    const endpoint = await printed(host, 'net plug c1 web --ip 10.77.0.9 --interface lan0')
    expect(endpoint).toMatch(/^[0-9a-f]{64}$/)

    const [container] = await json<ContainerView[]>(host, 'container inspect c1')
    expect(container?.attachments.map(({ network_id }) => network_id)).toEqual([id, web])
    const [network] = await json<NetworkView[]>(host, 'net inspect web')
    expect(network).toMatchObject({ containers: ['c1'], endpoints: [endpoint] })
    const page = await conet(host, 'net inspect web')
    expect(page.out).toMatch(/^ {2}c1 +lan0 +02:42:0a:4d:00:09 +10\.77\.0\.9\/16 /m)

    expect((await conet(host, 'net rm web')).code).toBe(4)
    expect(await printed(host, `net unplug c1 ${endpoint}`)).toBe(endpoint)
    expect(await printed(host, `net unplug c1 ${endpoint}`)).toBe(endpoint)
    await printed(host, 'container down c1')
    await printed(host, 'container down c1')
    await printed(host, 'container rm c1')
    expect((await conet(host, `net rm web ${id}`)).code).toBe(0)
    expect(await json(host, 'net list')).toEqual([])
    expect(await json(host, 'container list')).toEqual([])
    expect(existsSync(path)).toBe(false)
  })
})

describe('bad input and bad days', () => {
  it('an unknown driver lists the known ones, a name with a path trick is refused by its field', async () => {
    await using run = await started()
    const unknown = await conet(run.host, 'net create --driver nul')
    expect(unknown).toMatchObject({ code: 3, out: '' })
    expect(unknown.err).toContain('null')
    const trick = await conet(run.host, 'net create ../x --driver null')
    expect(trick).toMatchObject({ code: 2, out: '' })
    expect(trick.err).toMatch(/^conet: create network: name /)
    expect((await conet(run.host, 'container inspect ../c')).code).not.toBe(0)
  })

  it('a conetd that ended: how to start it', async () => {
    await using run = await started([])
    await run.host.stop()
    const outcome = await conet(run.host, 'status')
    expect(outcome.code).toBe(5)
    expect(outcome.err).toContain(`conetd --run-dir ${dirname(run.host.socket)} --spawn`)
  })

  it('an endpoint of a driver that was stopped is deleted when the driver is back, and conet says so', async () => {
    await using run = await started()
    const { host } = run
    await printed(host, 'net create web -d null')
    await printed(host, 'driver stop null')
    await eventually(async () => (await json<NetworkView[]>(host, 'net list'))[0]?.driver_state !== 'ready')
    const outcome = await conet(host, 'net rm web')
    expect(outcome.code).toBe(0)
    expect(outcome.err).toBe(
      'conet: web: its driver is awaited; the rest is done when the driver is back (conet status shows what waits)\n',
    )
    expect((await conet(host, 'status')).out).toContain(
      '1 deletion waits for driver null (gone): network web',
    )
  })

  it('another network namespace than a container’s is refused', async () => {
    await using run = await started()
    await printed(run.host, 'container create c1')
    const outcome = await conet(run.host, `container up c1 --netns ${join(run.directory, 'conetd.log')}`)
    expect(outcome.code).toBe(2)
    expect(outcome.err).toMatch(/^conet: .*conetd\.log/)
  })
})
