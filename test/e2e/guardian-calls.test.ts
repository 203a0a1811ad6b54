// What conet-guardian is called with: handles, pids and documents, those that go through and those that are refused.
import { existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ConetdFixture } from '../support/conetd-fixture.ts'
import { GuardianScene } from '../support/guardian-scene.ts'
import { ContainerInit, type Guardian, guardianProgram, runWith } from '../support/shims.ts'

let scene: GuardianScene
let fixture: ConetdFixture
let guardian: Guardian
let init: ContainerInit

beforeAll(async () => {
  scene = await GuardianScene.start()
  ;({ fixture, guardian, init } = scene)
})
afterAll(() => scene?.[Symbol.asyncDispose]())
afterEach(() => fixture.removeEverything())

it('down takes null, unknown handles, a second time, and a container whose process is gone', async () => {
  const gone = await ContainerInit.start()
  await guardian.up('h1', { Pid: gone.pid, Properties: {} })
  await gone.end()
  for (const handle of ['h1', 'h1', 'never']) {
    const { code, out } = await guardian.run('down', handle, null)
    expect([code, out]).toEqual([0, '{}\n'])
  }
  expect((await fixture.client.listContainers()).containers).toEqual([])
})

it('a pid of 0 means the namespace at descriptor 3', async () => {
  const own = `${process.execPath} ${guardianProgram} --socket ${fixture.conetd.socket} --action up --handle h1`
  const script = `exec ${own} 3</proc/${init.pid}/ns/net`
  const { code, out } = await runWith(['sh', '-c', script], '{"Pid":0,"Properties":{}}')
  expect(code).toBe(0)
  expect(JSON.parse(out).properties['garden.network.interface']).toBe('eth0')
  await guardian.down('h1')
})

it('where Guardian counts processes otherwise, the container’s namespace is found by what it is', async () => {
  const through = ['unshare', '--pid', '--fork', '--mount-proc']
  const script = `
    unshare -n sleep 3600 & sleep 0.2
    echo "{\\"Pid\\":$!,\\"Properties\\":{}}" | ${process.execPath} ${guardianProgram} --socket ${fixture.conetd.runtimeSocket} --action up --handle h1
    readlink /proc/$!/ns/net >&2`
  const { code, out, err } = await runWith([...through, 'sh', '-c', script], '')
  expect(code).toBe(0)
  expect(JSON.parse(out).properties['garden.network.interface']).toBe('eth0')
  const { sandbox } = await fixture.client.getContainer('h1')
  expect(existsSync(sandbox?.path ?? '')).toBe(true)
  expect(err).toMatch(/net:\[\d+\]/)
})

it('the handles of Guardian go through, of any length and with any characters; none at all does not', async () => {
  const handles = ['h'.repeat(200), 'a/b c', 'ü', '-x', '..', 'exec-1.2:3@4+5']
  for (const handle of handles) {
    await guardian.up(handle, { Pid: init.pid, Properties: {} })
    const { containers } = await fixture.client.listContainers()
    expect(containers.map((container) => container.handle)).toEqual([handle])
    await guardian.down(handle)
  }
  expect((await guardian.run('up', '', null)).code).toBe(2)
  const tooLong = 'h'.repeat(1025)
  const refused = await guardian.run('up', tooLong, { Pid: init.pid, Properties: {} })
  expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('at most 1024 bytes; it has 1025')])
  expect(refused.err.length).toBeLessThan(300)
  expect((await guardian.run('down', tooLong, null)).code).toBe(0)
  expect(await runWith([process.execPath, guardianProgram, '--help'], '')).toMatchObject({ code: 0, err: '' })
  expect((await guardian.run('check', 'h', null)).err).toContain('unrecognized action: check')
})

it('a handle that is no UTF-8 is refused: it would be the same as others', async () => {
  const ask = (handle: string, action: string) => {
    const words = `--socket=${fixture.conetd.socket} --action ${action} --handle`
    return runWith(
      ['sh', '-c', `exec ${process.execPath} ${guardianProgram} ${words} "$(printf '${handle}')"`],
      '{"Pid":1}',
    )
  }
  for (const [handle, action] of [
    ['\\377', 'up'],
    ['a\\376', 'down'],
    ['\\303', 'net-in'],
  ] as const)
    expect(await ask(handle, action)).toMatchObject({
      code: 2,
      err: expect.stringContaining('must be UTF-8'),
    })
  expect(await ask('\\357\\277\\275', 'down')).toMatchObject({ code: 0, err: '' })
})

it('what went wrong says the action and the handle once, and where the document has it', async () => {
  const said = async (action: string, input: unknown) => {
    const { code, err } = await guardian.run(action, 'h3', input)
    expect(code).toBe(1)
    return err
  }
  const up = { Pid: init.pid, Properties: {} }
  expect(await said('up', { ...up, Properties: { a: 7 } })).toMatch(
    /^conet-guardian: up h3: properties\.a must be/,
  )
  const without = { ...up, Properties: { specs: '[]' } }
  expect(await said('up', { ...without, netin: [{ host_port: 0, container_port: 1 }] })).toMatch(
    /^conet-guardian: up h3: it has no network for its ports/,
  )
  await fixture.client.createNetwork({ name: 'other', type: 'null' })
  const another = { ...up, Properties: { specs: '[{"Name":"other","Type":"bridge"}]' } }
  expect(await said('up', another)).toContain('properties.specs[0].type: network other is of type null')
  await guardian.up('h3', without)
  expect(Object.keys((await fixture.client.getContainer('h3')).networks)).toEqual([])
  expect(await said('net-in', { HostPort: 0, ContainerPort: 1 })).toMatch(
    /^conet-guardian: net-in h3: the container has no network/,
  )
  await guardian.down('h3')
})

it('a rule that is wrong is named by its place among those that were sent', async () => {
  const rule = { protocol: 1, networks: [{ start: '10.0.0.1', end: '10.0.0.9' }] }
  await guardian.up('h1', { Pid: init.pid, Properties: {}, netout_rules: [rule] })
  const wrong = { protocol: 1, ports: [{ start: 9, end: 1 }] }
  const { code, err } = await guardian.run('bulk-net-out', 'h1', { netout_rules: [rule, wrong] })
  expect([code, err]).toEqual([1, expect.stringContaining('netout_rules[1].ports')])
  expect(err).not.toContain('net_out[')
  const one = await guardian.run('net-out', 'h1', { netout_rule: wrong })
  expect([one.code, one.err]).toEqual([1, expect.stringContaining('netout_rule.ports')])
  const atUp = { Pid: init.pid, Properties: {}, netout_rules: [rule, rule, wrong] }
  expect((await guardian.run('up', 'h2', atUp)).err).toContain('netout_rules[2].ports')
  await guardian.down('h1')
})
