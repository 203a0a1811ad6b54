// The client against a real HTTP server on a UNIX socket.
import { execFile, spawn } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ConetClient, ConetError, type ErrorKind } from '@conet/sdk/client'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { fakeHost, refusal } from './fake-host.ts'
import { container, endpointId, network } from './samples.ts'

async function failureOf(promise: Promise<unknown>, kind: ErrorKind): Promise<ConetError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!ConetError.is(error, kind)) throw new Error(`not ${kind} but ${String(error)}`, { cause: error })
  return error
}

describe('ConetClient calls', () => {
  it('sends body, path and Idempotency-Key as the route table says, and gives the typed answer', async () => {
    await using host = await fakeHost({ createNetwork: () => ({ status: 201, body: network() }) })
    await using client = new ConetClient(host)
    const made = await client.createNetwork({ generate_name: true, type: 'bridge' })
    expect(made.id).toBe(network().id)
    const [seen] = host.seen
    expect(seen).toMatchObject({ route: 'createNetwork', body: { generate_name: true, type: 'bridge' } })
    expect(seen?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('sends the key it is given', async () => {
    await using host = await fakeHost({ createNetwork: () => ({ body: network() }) })
    await using client = new ConetClient(host)
    await client.createNetwork({ name: 'web', type: 'null' }, { idempotencyKey: 'mine' })
    expect(host.seen[0]?.headers['idempotency-key']).toBe('mine')
  })

  it('refuses a key that no header can carry', async () => {
    await using client = new ConetClient()
    const call = client.plug('c1', { network: 'web' }, { idempotencyKey: 'a\r\nb' })
    expect((await failureOf(call, 'invalidArgument')).fields[0]?.path).toBe('idempotencyKey')
  })

  it('percent-encodes what stands in a path, so that no handle reaches another route', async () => {
    await using host = await fakeHost({ deleteContainer: () => ({ body: { state: 'gone' } }) })
    await using client = new ConetClient(host)
    await client.deleteContainer('../networks/web?x=1 ü')
    expect(host.seen[0]).toMatchObject({ params: { handle: '../networks/web?x=1 ü' } })
  })

  it('refuses an empty member, which would name another route', async () => {
    await using client = new ConetClient()
    const error = await failureOf(client.getNetwork(''), 'invalidArgument')
    expect(error.fields).toEqual([{ path: 'network', message: 'must not be empty' }])
    expect(error.message).toBe('get network: network must not be empty')
  })

  it('sends the runtime family to the runtime socket, derived from the clients’ one', async () => {
    await using host = await fakeHost({
      up: () => ({ body: container() }),
      unplug: () => ({ status: 202, body: { state: 'deleting' } }),
    })
    await using client = new ConetClient(host)
    await client.up('c1', { pid: 12 })
    expect(await client.unplug({ handle: 'c1', endpoint: endpointId })).toEqual({ state: 'deleting' })
    expect(host.seen.map(({ family }) => family)).toEqual(['runtime', 'client'])
  })

  it('makes no more connections than it was told, and keeps them', async () => {
    await using host = await fakeHost({ listNetworks: () => ({ body: { networks: [] } }) })
    await using client = new ConetClient({ ...host, connections: 2 })
    const sockets = new Set<unknown>()
    host.raw = ({ socket }, response) => {
      sockets.add(socket)
      response.setHeader('content-type', 'application/json').end('{"networks":[]}')
    }
    await Promise.all(Array.from({ length: 20 }, () => client.listNetworks()))
    await client.listNetworks()
    expect(sockets.size).toBe(2)
  })

  it('leaves nothing on a kept connection, however many calls it carries', async () => {
    await using host = await fakeHost({ listNetworks: () => ({ body: { networks: [] } }) })
    await using client = new ConetClient({ ...host, connections: 1 })
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    for (let call = 0; call < 30; call++) await client.listNetworks()
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })

  it('repeats a call once when a kept connection turns out to be closed', async () => {
    await using host = await fakeHost({ listNetworks: () => ({ body: { networks: [] } }) })
    await using client = new ConetClient({ ...host, connections: 1 })
    await client.listNetworks()
    let calls = 0
    host.raw = (request, response) => {
      calls += 1
      if (calls === 1) return request.socket.destroy()
      response.end('{"networks":[]}')
    }
    expect(await client.listNetworks()).toEqual({ networks: [] })
    expect(calls).toBe(2)
  })

  it('lets the running calls finish when it closes, and takes no new ones', async () => {
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    await using host = await fakeHost({
      listNetworks: async () => {
        await released
        return { body: { networks: [] } }
      },
    })
    const client = new ConetClient(host)
    const running = client.listNetworks()
    await eventually(() => host.seen.length === 1)
    const closed = client.close()
    await failureOf(client.listNetworks(), 'cancelled')
    release()
    expect(await running).toEqual({ networks: [] })
    await closed
  })
})

describe('ConetClient errors', () => {
  it('turns a problem document into the error it describes', async () => {
    const problem = {
      kind: 'invalidArgument',
      detail: 'create network: 2 fields are wrong',
      operation_state: 'not-started',
      help: 'see conet net create --help',
      fields: [{ path: 'subnets[0].gateway', message: 'is no address' }],
      details: { driver: 'bridge' },
    }
    await using host = await fakeHost({ createNetwork: () => refusal(400, problem) })
    await using client = new ConetClient(host)
    const error = await failureOf(client.createNetwork({ type: 'bridge' }), 'invalidArgument')
    expect(error.message).toBe(problem.detail)
    expect(error).toMatchObject({ fields: problem.fields, details: problem.details, help: problem.help })
    expect(error.operationState).toBe('not-started')
  })

  it('keeps a kind that it does not know in the details, and goes by the status', async () => {
    await using host = await fakeHost({
      getNetwork: () => refusal(404, { kind: 'ofTheFuture', code: 1999, detail: 'gone to Mars' }),
    })
    await using client = new ConetClient(host)
    const error = await failureOf(client.getNetwork('web'), 'notFound')
    expect(error.details).toEqual({ kind: 'ofTheFuture', code: 1999 })
  })

  it.each([
    ['a page that is no problem document', 502, '<html>', 'internal'],
    ['success without JSON', 200, 'hello', 'internal'],
    ['a failure without a body', 404, '', 'notFound'],
  ] as const)('%s is an error that says what was being done', async (_, status, text, kind) => {
    await using host = await fakeHost()
    await using client = new ConetClient(host)
    host.raw = (_request, response) => response.writeHead(status).end(text)
    expect((await failureOf(client.getNetwork('web'), kind)).message).toMatch(/^get network web: /)
  })

  it('an answer that is no HTTP is an error', async () => {
    await using host = await fakeHost()
    await using client = new ConetClient(host)
    host.raw = ({ socket }) => socket.end('garbage\r\n\r\n')
    expect((await failureOf(client.status(), 'internal')).message).toMatch(/^status: no HTTP answer from/)
  })

  it('a missing socket is hostUnavailable with how to start conetd', async () => {
    await using client = new ConetClient({ socketPath: '/nowhere/conetd.sock' })
    const error = await failureOf(client.status(), 'hostUnavailable')
    expect(error.message).toBe('reach conetd at /nowhere/conetd.sock: there is no such socket')
    expect(error.help).toContain('conetd --run-dir /nowhere ')
    expect(error.operationState).toBe('not-started')
  })

  it('a place without conetd says what is there, and how to start it only where that can work', async () => {
    await using directory = await temporaryDirectory()
    const at = (name: string) => join(directory.path, name)
    await writeFile(at('file'), '')
    await mkdir(at('run'))
    await leaveSocket(at('run/conetd.sock'))
    const starts = (flags: string) =>
      new RegExp(
        `^start it as root: ${flags} --spawn .*--state-dir or --config .* before\\)\\nname the socket of`,
      )
    const places: [string, RegExp, RegExp][] = [
      ['run/conetd.sock', /: nobody listens there$/, starts(`conetd --run-dir ${at('run')}`)],
      ['run/x.sock', /: there is no such socket$/, starts(`conetd --socket ${at('run/x.sock')}`)],
      ['a/conetd.sock', /: there is no such socket$/, starts(`conetd --run-dir ${at('a')}`)],
      [
        'a/b/x.sock',
        /no such socket$/,
        starts(`mkdir -p ${at('a/b')} && conetd --socket ${at('a/b/x.sock')}`),
      ],
      ['file', /: that is a file, and no socket$/, /^name the socket of one that runs/],
      ['file/x.sock', /: there is no such socket: .*\/file is no directory$/, /^name the socket of/],
      [
        'run',
        /: that is a directory, and no socket$/,
        /^name the socket in it: --socket .*\/run\/conetd.sock$/,
      ],
      ['.', /: that is a directory, and no socket$/, /^name the socket of one that runs/],
    ]
    for (const [name, message, help] of places) {
      await using client = new ConetClient({ socketPath: `${directory.path}/${name}` })
      const error = await failureOf(client.status(), 'hostUnavailable')
      expect([error.message, error.help]).toEqual([
        expect.stringMatching(message),
        expect.stringMatching(help),
      ])
    }
  })

  it('a path longer than a socket may have is refused by name', async () => {
    const socketPath = `/${'x'.repeat(107)}`
    await using client = new ConetClient({ socketPath })
    const error = await failureOf(client.status(), 'invalidArgument')
    expect(error.message).toContain('must have 1 to 107 bytes, has 108')
    expect(error.fields).toEqual([{ path: 'socketPath', message: `is too long for a socket: ${socketPath}` }])
  })

  it('a host that ends before the answer leaves the outcome unknown', async () => {
    await using host = await fakeHost()
    await using client = new ConetClient(host)
    host.raw = ({ socket }) => socket.destroy()
    const error = await failureOf(client.plug('c1', { network: 'web' }), 'hostUnavailable')
    expect(error.message).toBe('plug c1: conetd ended before it answered')
    expect(error.operationState).toBe('unknown')
  })

  it('a host that dies with a call on a kept connection leaves the outcome unknown', async () => {
    await using host = await fakeHost({ listNetworks: () => ({ body: { networks: [] } }) })
    await using client = new ConetClient({ ...host, connections: 1 })
    await client.listNetworks()
    host.raw = () => void host.stop()
    const error = await failureOf(client.plug('c1', { network: 'web' }), 'hostUnavailable')
    expect(error.message).toBe('plug c1: conetd ended before it answered')
    expect(error.operationState).toBe('unknown')
  })

  it('a host that ends in the middle of its answer leaves the outcome unknown', async () => {
    await using host = await fakeHost()
    await using client = new ConetClient(host)
    host.raw = ({ socket }, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('{', () => socket.destroy())
    }
    expect((await failureOf(client.status(), 'hostUnavailable')).operationState).toBe('unknown')
  })

  it('a host that never answers costs the call its deadline and nothing else', async () => {
    await using host = await fakeHost({ listNetworks: () => ({ body: { networks: [] } }) })
    await using client = new ConetClient({ ...host, connections: 1 })
    host.raw = () => {}
    const error = await failureOf(client.status({ timeoutMs: 20 }), 'deadlineExceeded')
    expect(error).toMatchObject({ message: 'status: no answer within 20 ms', operationState: 'not-started' })
    const plugging = client.plug('c', { network: 'web' }, { timeoutMs: 20 })
    expect((await failureOf(plugging, 'deadlineExceeded')).operationState).toBe('unknown')
    host.raw = undefined
    expect(await client.listNetworks()).toEqual({ networks: [] })
  })

  it('a call given up by its caller is cancelled at once', async () => {
    await using host = await fakeHost()
    await using client = new ConetClient(host)
    const stop = new AbortController()
    host.raw = () => stop.abort()
    const error = await failureOf(client.status({ signal: stop.signal }), 'cancelled')
    expect(error.message).toBe('status: given up by the caller')
    await failureOf(client.status({ signal: stop.signal }), 'cancelled')
  })
})

const isRoot = process.getuid?.() === 0

it.runIf(isRoot)('a socket that this user may not use names the group (run as nobody)', async () => {
  await using host = await fakeHost()
  await chmod(host.socketPath, 0o600)
  await chmod(join(host.socketPath, '..'), 0o755)
  const script = `
    import { ConetClient } from '@conet/sdk/client'
    process.setgroups([]); process.setgid(65534); process.setuid(65534)
    const client = new ConetClient({ socketPath: ${JSON.stringify(host.socketPath)} })
    await client.status().catch(({ kind, help }) => console.log(JSON.stringify({ kind, help })))`
  const argv = ['--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: import.meta.dirname })
  expect(JSON.parse(stdout)).toEqual({
    kind: 'permissionDenied',
    help: 'become a member of the group conet (`usermod -aG conet USER`, then log in again), or use root',
  })
})

/** As a process leaves it that was killed. */
async function leaveSocket(path: string): Promise<void> {
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`
  await new Promise((resolve) => spawn(process.execPath, ['-e', code]).once('exit', resolve))
}
