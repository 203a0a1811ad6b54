// What a person reads when something is wrong, and what a script gets.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exitCodes } from '@conet/host/cli/exit-code'
import { describe, expect, it } from 'vitest'
import { conet, Interruption } from '../../support/run-conet.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { fakeHost, refusal } from '../client/fake-host.ts'
import { network } from '../client/samples.ts'

describe('failures of the host', () => {
  it('a socket that is not there: how to start conetd, exit code 5', async () => {
    expect(await conet(['net', 'list'])).toEqual({
      code: 5,
      out: '',
      err: `\
conet: reach conetd at /nowhere/conetd.sock: there is no such socket
try: start it as root: conetd --run-dir /nowhere --spawn bridge,null (it starts these drivers too: name those that this host uses; and the --state-dir or --config that it had before)
try: name the socket of one that runs: --socket PATH or CONET_SOCKET
`,
    })
  })

  it('--socket wins over CONET_SOCKET, and the runtime socket follows from it unless named', async () => {
    const words = ['--socket', '/a/b.sock', 'container']
    expect((await conet([...words, 'list'])).err).toContain('/a/b.sock:')
    expect((await conet([...words, 'up', 'c1'])).err).toContain('/a/b.runtime.sock:')
    expect((await conet([...words, 'up', 'c1', '--runtime-socket', '/r.sock'])).err).toContain(' /r.sock:')
    const env = { CONET_RUNTIME_SOCKET: '/env.sock' }
    const named = (await conet(['container', 'down', 'c1'], { env })).err
    expect(named).toContain(' /env.sock:')
    expect(named).toContain('try: name the runtime’s socket of a conetd that runs: --runtime-socket PATH')
    expect(named).not.toContain('conetd --socket')
  })

  it('several wrong fields: one line each, with the flag that was given for it, and the help of the command', async () => {
    await using host = await fakeHost({
      createNetwork: () =>
        refusal(400, {
          kind: 'invalidArgument',
          detail: 'create network: type is wrong, and more',
          fields: [
            { path: 'config.mtu', message: 'must be >= 68' },
            { path: 'type', message: 'is wrong' },
            { path: 'labels.a', message: 'was not given' },
            { path: 'subnets[0].gateway', message: 'is not in 10.1.0.0/16' },
          ],
        }),
    })
    const words = ['net', 'create', 'x', '-d', 'bridge', '--subnet', '10.1.0.0/16', '-o', 'mtu=5']
    expect(await conet(words, host)).toEqual({
      code: 2,
      out: '',
      err: `\
conet: create network: type is wrong, and more
  config.mtu (from --opt): must be >= 68
  type comes from --driver
  labels.a: was not given
  subnets[0].gateway (from --subnet): is not in 10.1.0.0/16
try: conet net create --help
`,
    })
  })

  it('an unknown driver: the host’s list of the known ones, or how to get it', async () => {
    const problem = { kind: 'unknownDriver', detail: 'create network web: there is no driver "brigde"' }
    await using host = await fakeHost({
      createNetwork: () => refusal(400, { ...problem, help: 'known drivers: bridge, null' }),
    })
    const words = ['net', 'create', 'web', '-d', 'brigde']
    expect(await conet(words, host)).toMatchObject({
      code: 3,
      err: `conet: ${problem.detail}\ntry: known drivers: bridge, null\n`,
    })
    host.answers.createNetwork = () => refusal(400, problem)
    expect((await conet(words, host)).err).toBe(`conet: ${problem.detail}\ntry: conet driver list\n`)
  })

  it('[C11] an unknown network: where to look', async () => {
    await using host = await fakeHost({
      getNetwork: () => refusal(404, { kind: 'notFound', detail: 'show network web: there is none' }),
    })
    expect(await conet(['net', 'inspect', 'web'], host)).toEqual({
      code: 3,
      out: '',
      err: 'conet: show network web: there is none\ntry: conet net list\n',
    })
    host.answers.plug = () => refusal(404, { kind: 'notFound', detail: 'plug c1: no network web' })
    expect((await conet(['net', 'plug', 'c1', 'web'], host)).err).toBe(
      'conet: plug c1: no network web\ntry: conet net list\n',
    )
  })

  it.each([
    ['inUse', 4],
    ['addressInUse', 4],
    ['driverUnavailable', 5],
    ['deadlineExceeded', 6],
    ['permissionDenied', 7],
    ['addressesExhausted', 8],
    ['kernelRefused', 1],
  ])('%s exits with %i', async (kind, code) => {
    await using host = await fakeHost({ plug: () => refusal(500, { kind, detail: 'plug c1: no' }) })
    const outcome = await conet(['net', 'plug', 'c1', 'web'], host)
    expect(outcome.code).toBe(code)
    expect(outcome.err.split('\n')[0]).toBe('conet: plug c1: no')
  })

  it.each([
    ['addressInUse', 'name another one'],
    ['addressOutOfRange', 'name another one'],
    ['addressesExhausted', 'conet pool list'],
  ])('%s says where there is another address', async (kind, hint) => {
    await using host = await fakeHost({ plug: () => refusal(409, { kind, detail: 'plug c1: no' }) })
    expect((await conet(['net', 'plug', 'c1', 'web'], host)).err).toMatch(new RegExp(`^try: .*${hint}`, 'm'))
  })

  it('no answer within --timeout: exit code 6', async () => {
    await using host = await fakeHost()
    host.raw = () => {}
    const plug = await conet(['net', 'plug', 'c1', 'web', '--timeout', '0.02'], host)
    expect(plug.code).toBe(6)
    expect(plug.err).toMatch(/^conet: plug c1: no answer within 20 ms\ntry: look whether it was done/)
    const status = await conet(['status', '--timeout', '0.02'], host)
    expect(status.code).toBe(6)
    expect(status.err).toMatch(/^conet: status: no answer within 20 ms\ntry: conetd may be busy/)
  })

  it('with several names goes on after a failure, and exits non-zero', async () => {
    await using host = await fakeHost({
      deleteNetwork: ({ params }) =>
        params.network === 'b'
          ? refusal(409, { kind: 'inUse', detail: 'delete network b: 2 endpoints use it' })
          : { body: { state: 'gone' } },
    })
    expect(await conet(['net', 'rm', 'a', 'b', 'c'], host)).toEqual({
      code: 4,
      out: 'a\nc\n',
      err: 'conet: delete network b: 2 endpoints use it\n',
    })
  })

  it('with several names and no host says so once', async () => {
    const { err } = await conet(['net', 'rm', 'a', 'b', 'c'])
    expect(err.match(/^conet:/gm)).toHaveLength(1)
  })

  it('a message of the host cannot write on the terminal what it wants', async () => {
    await using host = await fakeHost({
      status: () => refusal(500, { kind: 'internal', detail: 'a\u001b[2J\nb' }),
    })
    expect((await conet(['status'], host)).err).toBe('conet: a\\u001b[2J\\u000ab\n')
  })

  it('Ctrl-C ends a running call with 130', async () => {
    await using host = await fakeHost()
    const stop = new AbortController()
    host.raw = () => stop.abort(new Interruption(130))
    const outcome = await conet(['net', 'plug', 'c1', 'web'], { ...host, signal: stop.signal })
    expect(outcome.code).toBe(130)
    expect(outcome.err).toMatch(/^conet: plug c1: given up by the caller\n/)
  })
})

describe('usage errors', () => {
  it.each([
    ['net lst', "unknown command 'lst' (Did you mean one of list, ls?)", 'conet net --help'],
    ['net create --drivr x', "unknown option '--drivr' (Did you mean --driver?)", 'conet net create --help'],
    ['net create web', '--driver is missing (conet driver list shows them)', 'conet net create --help'],
    ['net plug c1', "missing required argument 'network'", 'conet net plug --help'],
    ['nte list', "unknown command 'nte' (Did you mean net?)", 'conet --help'],
    ['help nix', "help: no command or topic 'nix'", 'conet --help'],
  ])('conet %s: the nearest, and where to read on', async (line, message, hint) => {
    const outcome = await conet(line.split(' '))
    expect(outcome).toEqual({ code: 2, out: '', err: `conet: ${message}\ntry: ${hint}\n` })
  })

  it.each([
    [['--label', 'novalue'], 'not of the form key=value'],
    [['--label', 'env=a', '--label', 'env=b'], '"env" was given before'],
    [['--label', '=x'], 'not of the form key=value'],
    [['--subnet', '10.0.0.0/8,gatway=1'], '"gatway"; known are gateway=, range= and exclude='],
    [['--subnet', '10.0.0.0/8,10.1.0.0/16'], 'Several subnets: repeat the option'],
    [['--subnet', '10.0.0.0/8,range=a,range=b'], 'range twice'],
    [['--config', '{'], 'It is not JSON'],
    [['--config', '[]'], 'It is not a JSON object'],
    [['--config', '@/nowhere/x.json'], 'The file cannot be read: ENOENT'],
    [['--timeout', '0'], 'not a number of seconds above 0'],
    [['--timeout', '9999999999'], 'at most 2000000'],
  ])('refuses %j by the option’s name', async (words, message) => {
    const outcome = await conet(['net', 'create', 'web', '-d', 'null', ...words])
    expect(outcome.code).toBe(2)
    expect(outcome.err).toContain(words[0])
    expect(outcome.err).toContain(message)
  })

  it('options that exclude each other are refused', async () => {
    expect((await conet(['container', 'up', 'c', '--pid', '1', '--netns', '/x'])).code).toBe(2)
    expect((await conet(['net', 'list', '-q', '--json'])).code).toBe(2)
  })

  it('a group without a command shows its help as an error', async () => {
    const outcome = await conet(['net'])
    expect(outcome).toMatchObject({ code: 2, out: '' })
    expect(outcome.err).toMatch(/^Usage: conet net/)
  })

  it('reads --config from a file', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'config.json')
    await writeFile(path, '{"mtu":9000}')
    await using host = await fakeHost({ createNetwork: () => ({ body: network() }) })
    await conet(['net', 'create', 'web', '-d', 'bridge', '--config', `@${path}`], host)
    expect(host.seen[0]?.body).toMatchObject({ config: { mtu: 9000 } })
  })
})

it('the exit codes are explained, every one', async () => {
  const { out, code } = await conet(['help', 'exit-codes'])
  expect(code).toBe(0)
  for (const value of Object.values(exitCodes)) expect(out).toMatch(new RegExp(`^ +${value}   `, 'm'))
})
