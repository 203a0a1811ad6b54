import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ConetClient, type EventView, type NetworkView } from '@conet/sdk/client'
import { releaseNamespaceDirectory } from '@conet/sdk/linux'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConetdProcess, conetdProgram } from '../support/conetd-process.ts'
import { eventually } from '../support/eventually.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'
import { httpCall } from '../support/unix-http.ts'

let directory: TemporaryDirectory
let conetd: ConetdProcess

beforeAll(async () => {
  directory = await temporaryDirectory()
  conetd = await ConetdProcess.start({ directory: directory.path, spawn: ['null'] })
})

afterAll(async () => {
  await conetd?.[Symbol.asyncDispose]()
  // conetd leaves the mount on which sandboxes stand: drivers in other mount namespaces see through it.
  if (directory !== undefined) releaseNamespaceDirectory(join(directory.path, 'run/netns'))
  await directory?.[Symbol.asyncDispose]()
})

/** What is left of a process until its parent asks for it does not count. */
function isRunning(pid: number | false): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z'
}

const run = async (argv: string[]) => {
  try {
    const { stderr } = await promisify(execFile)(process.execPath, [conetdProgram, ...argv])
    return { code: 0, stderr }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'stderr' in error)) throw error
    return { code: error.code, stderr: String(error.stderr) }
  }
}

describe('networks over HTTP', () => {
  const post = (body: unknown) => httpCall(conetd.socket, { method: 'POST', path: '/networks', body })

  it('[B1] [B4] [B5] [D6] are made: 201, again 200, with other content 409, of an unknown type 400', async () => {
    const made = await post({ name: 'blue', type: 'null', config: { any: ['thing'] } })
    expect([made.status, made.json()]).toMatchObject([201, { name: 'blue', config: { any: ['thing'] } }])
    const again = await post({ name: 'blue', type: 'null', config: { any: ['thing'] } })
    expect([again.status, again.json()]).toEqual([200, made.json()])
    expect((await post({ name: 'blue', type: 'null', config: { any: [] } })).status).toBe(409)
    const unknown = await post({ name: 'red', type: 'nothing' })
    expect(unknown.status).toBe(400)
    expect(unknown.json()).toMatchObject({ kind: 'unknownDriver', details: { known: ['null'] } })
    for (const body of [{ name: 'x' }, { type: 'null' }]) {
      const missing = await post(body)
      expect([missing.status, missing.json()]).toMatchObject([400, { kind: 'invalidArgument' }])
    }
  })

  it('[B7] [D14] are listed and shown, refuse to go while in use, and go', async () => {
    const list = await httpCall(conetd.socket, { path: '/networks' })
    expect(list.json()).toMatchObject({ networks: [{ name: 'blue' }] })
    const config = { method: 'PUT', path: '/containers/b7/config', body: { attach_to: [] } }
    expect((await httpCall(conetd.socket, config)).status).toBe(201)
    const plugged = await httpCall(conetd.socket, {
      method: 'POST',
      path: '/containers/b7/endpoints',
      body: { network: 'blue' },
    })
    expect(plugged.status).toBe(201)
    const remove = { method: 'DELETE', path: '/networks/blue' }
    const refused = await httpCall(conetd.socket, remove)
    expect([refused.status, refused.json()]).toMatchObject([409, { kind: 'inUse' }])
    expect((await httpCall(conetd.socket, { method: 'DELETE', path: '/containers/b7' })).status).toBe(200)
    expect((await httpCall(conetd.socket, remove)).status).toBe(200)
    expect((await httpCall(conetd.socket, { path: '/networks/blue' })).status).toBe(404)
  })
})

describe('the sockets', () => {
  it('[B2] are two, with their modes, and only the runtime one knows the private routes', async () => {
    expect(statSync(conetd.socket).mode & 0o777).toBe(0o660)
    expect(statSync(conetd.runtimeSocket).mode & 0o777).toBe(0o600)
    const down = { method: 'POST', path: '/internal/containers/none/down' }
    expect((await httpCall(conetd.socket, down)).status).toBe(404)
    expect((await httpCall(conetd.runtimeSocket, down)).status).toBe(200)
    for (const socketPath of [conetd.socket, conetd.runtimeSocket]) {
      await using client = new ConetClient({ socketPath })
      expect(await client.down('none')).toEqual({ state: 'gone' })
      expect((await client.health()).status).toBe('ok')
    }
  })
})

it('garbage on any route is an error of the client, and conetd goes on', async () => {
  const paths = [
    '/networks',
    '/networks/x',
    '/containers/h/config',
    '/containers/h/endpoints',
    '/drivers/null',
    '/events',
    '/status',
  ]
  const path = fc.oneof(
    fc.constantFrom(...paths),
    fc.tuple(fc.constantFrom(...paths), fc.webSegment()).map(([base, more]) => `${base}/${more}`),
    fc.tuple(fc.constantFrom(...paths), fc.webSegment()).map(([base, query]) => `${base}?${query}`),
  )
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc.dictionary(
      fc.constantFrom('name', 'type', 'subnets', 'attach_to', 'network', 'labels'),
      fc.jsonValue(),
    ),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('POST', 'PUT', 'DELETE', 'PATCH'),
      path,
      body,
      async (method, target, content) => {
        const answer = await httpCall(conetd.socket, { method, path: target, body: content })
        expect(answer.status, `${method} ${target} ${JSON.stringify(content)}: ${answer.text}`).toBeLessThan(
          500,
        )
      },
    ),
    { numRuns: 300 },
  )
  expect((await httpCall(conetd.socket, { path: '/healthz' })).status).toBe(200)
})

describe('another conetd', () => {
  const other = () => join(directory.path, 'other')

  it.each([
    ['state directory', '--state-dir', 'state'],
    ['run directory', '--run-dir', 'run'],
    ['driver directory', '--driver-dir', 'run/drivers'],
  ])(
    'refuses a %s that is in use, names the process, and has told no driver anything',
    async (what, flag, name) => {
      const path = join(directory.path, name)
      const own = ['--state-dir', join(other(), 'state'), '--run-dir', join(other(), 'run')]
      const { code, stderr } = await run([...own, flag, path])
      expect(code).toBe(1)
      expect(stderr).toContain(`use ${what} ${path}: the conetd with pid ${conetd.pid} does already`)
      expect(stderr).toContain(`choose another directory with ${flag}`)
      // Who has opened no store has nothing to tell.
      expect(existsSync(other())).toBe(false)
    },
  )

  it.each([
    ['state directory', '--state-dir', 'run/other'],
    ['run directory', '--run-dir', 'state/other'],
    ['driver directory', '--driver-dir', 'run/drivers/other/drivers'],
  ])(
    'refuses a %s that lies in one of the first, by a link too, and names the process',
    async (what, flag, name) => {
      const own = ['--state-dir', join(other(), 'state'), '--run-dir', join(other(), 'run')]
      symlinkSync(directory.path, join(directory.path, 'link'))
      for (const path of [join(directory.path, name), join(directory.path, 'link', name)]) {
        const { code, stderr } = await run([...own, flag, path])
        expect(code).toBe(1)
        expect(stderr).toContain(`use ${what} ${path}: it lies in ${directory.path}/`)
        expect(stderr).toContain(`which the conetd with pid ${conetd.pid} uses`)
        expect(stderr).toContain(`choose another place with ${flag}`)
        expect(existsSync(path)).toBe(false)
        expect(existsSync(other())).toBe(false)
      }
      rmSync(join(directory.path, 'link'))
    },
  )

  it.each(['--socket', '--runtime-socket'])(
    'refuses a %s among the drivers, or beside what else is the first one’s, which would take it for a driver’s',
    async (flag) => {
      const own = ['--state-dir', join(other(), 'state'), '--run-dir', join(other(), 'run')]
      for (const name of ['run/drivers/c.sock', 'run/c.sock', 'state/c.sock']) {
        const { code, stderr } = await run([...own, flag, join(directory.path, name)])
        expect({ code, stderr }).toMatchObject({ code: 1 })
        expect(stderr).toContain(`it lies in ${directory.path}/`)
        expect(stderr).toContain(`choose another place with ${flag}`)
        expect(existsSync(other())).toBe(false)
      }
    },
  )

  it('refuses a directory in which one of the first lies, and changes nothing in it', async () => {
    const before = readdirSync(directory.path)
    await using elsewhere = await temporaryDirectory()
    const { code, stderr } = await run(['--state-dir', directory.path, '--run-dir', elsewhere.path])
    expect(code).toBe(1)
    expect(stderr).toContain(`use state directory ${directory.path}: in it lies ${directory.path}/`)
    expect(stderr).toContain(`which the conetd with pid ${conetd.pid} uses`)
    expect(readdirSync(directory.path)).toEqual(before)
  })

  it('refuses a socket that is served, and a file that is no socket, and leaves both alone', async () => {
    const fresh = ['--state-dir', join(other(), 'state'), '--run-dir', join(other(), 'run')]
    expect(await run([...fresh, '--socket', conetd.socket])).toMatchObject({ code: 1 })
    expect(existsSync(other())).toBe(false)
    const file = join(directory.path, 'file')
    writeFileSync(file, 'mine')
    const refused = await run([...fresh, '--socket', file])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(file)
    expect(readFileSync(file, 'utf8')).toBe('mine')
    expect((await httpCall(conetd.socket, { path: '/healthz' })).status).toBe(200)
  })

  it('with wrong arguments or a wrong configuration ends with 2 and names them', async () => {
    expect(await run(['--bogus'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--bogus') })
    const config = join(directory.path, 'conetd.json')
    writeFileSync(config, '{"bogus": 1}')
    expect(await run(['--config', config])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('bogus'),
    })
    const unknown = ['--state-dir', join(directory.path, 's3'), '--run-dir', join(directory.path, 'r3')]
    const spawned = await run([...unknown, '--spawn', 'no-such-driver'])
    expect(spawned).toMatchObject({ code: 1, stderr: expect.stringContaining('conet-driver-no-such-driver') })
  })
})

describe('a restart', () => {
  const driverPid = async () => {
    await using client = conetd.client()
    return (await client.getDriver('null')).pid
  }

  it('after SIGTERM finds its driver again; meanwhile the sockets are gone and the driver lives', async () => {
    const before = await eventually(async () => (await driverPid()) ?? false)
    await conetd.stop()
    expect([existsSync(conetd.socket), existsSync(conetd.runtimeSocket)]).toEqual([false, false])
    expect(isRunning(before)).toBe(true)
    expect(readFileSync(conetd.logFile, 'utf8')).toContain('conetd: stopped')
    await conetd.start()
    await eventually(async () => expect(await driverPid()).toBe(before))
  })

  it('[B7] [B26] [D14] after kill -9 keeps networks, containers, endpoints and the answers under an Idempotency-Key', async () => {
    const make = {
      method: 'POST',
      path: '/networks',
      body: { type: 'null', generate_name: true },
      headers: { 'idempotency-key': 'once' },
    }
    const made = await httpCall(conetd.socket, make)
    const { name, id } = made.json() as NetworkView
    await httpCall(conetd.socket, {
      method: 'PUT',
      path: '/containers/kept/config',
      body: { attach_to: [name] },
    })
    const up = await httpCall(conetd.runtimeSocket, { method: 'POST', path: '/internal/containers/kept/up' })
    expect(up.status, up.text).toBe(200)
    const shown = (await httpCall(conetd.socket, { path: '/containers/kept' })).json()

    await conetd.stop('SIGKILL')
    await conetd.start()

    expect((await httpCall(conetd.socket, { path: '/containers/kept' })).json()).toEqual(shown)
    const again = await httpCall(conetd.socket, make)
    expect([again.status, again.json()]).toEqual([201, made.json()])
    expect((await httpCall(conetd.socket, { path: '/networks' })).json()).toMatchObject({
      networks: [{ id }],
    })

    const down = await httpCall(conetd.runtimeSocket, {
      method: 'POST',
      path: '/internal/containers/kept/down',
    })
    expect(down.status).toBe(200)
    expect((await httpCall(conetd.socket, { method: 'DELETE', path: '/containers/kept' })).status).toBe(200)
    expect((await httpCall(conetd.socket, { method: 'DELETE', path: `/networks/${id}` })).status).toBe(200)
  })
})

describe('events', () => {
  const makeAndDelete = async (name: string) => {
    await httpCall(conetd.socket, { method: 'POST', path: '/networks', body: { name, type: 'null' } })
    await httpCall(conetd.socket, { method: 'DELETE', path: `/networks/${name}` })
  }

  it('resume after the last one seen', async () => {
    await using client = conetd.client()
    const seen: EventView[] = []
    const stopping = new AbortController()
    const following = (async () => {
      for await (const event of client.events({ signal: stopping.signal })) seen.push(event)
    })()
    await eventually(async () => {
      await makeAndDelete('probe')
      return seen.length > 0
    })
    await makeAndDelete('one')
    await eventually(() => seen.at(-1)?.type === 'network.deleted')
    stopping.abort()
    await following
    const last = seen.at(-1)?.id ?? 0
    await makeAndDelete('two')
    const missed: EventView[] = []
    for await (const event of client.events({ since: last })) {
      missed.push(event)
      if (event.type === 'network.deleted') break
    }
    expect(missed.map(({ type }) => type)).toEqual(['network.created', 'network.deleted'])
    expect(missed[0]?.id).toBe(last + 1)
  })
})

it('--stop-drivers ends the drivers of a conetd that no longer runs', async () => {
  await using client = conetd.client()
  const pid = await eventually(async () => (await client.getDriver('null')).pid ?? false)
  expect(isRunning(pid)).toBe(true)
  await conetd.stop()
  const [flag = '', runDir = ''] = conetd.flags
  expect(await run(['--stop-drivers', flag, runDir])).toMatchObject({ code: 0 })
  expect(isRunning(pid)).toBe(false)
  await conetd.start()
})
