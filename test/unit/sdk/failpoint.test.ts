import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { failpoint, failpointNames, requests } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { DriverClient, sampleEndpoint, sampleNetwork, sampleSandbox } from '../../support/driver-client.ts'
import { FakeDriver, startDriverProgram } from '../../support/fake-driver.ts'
import { repository } from '../../support/repository.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { failureOf, nullProgram } from './driver/served.ts'

/** Passes the failpoint `here` three times in a process of its own, and prints after each pass. */
function passes(armed: string | undefined, name = 'here') {
  const script = `
    import { declareFailpoints, failpoint } from '@conet/sdk'
    declareFailpoints('here')
    for (let pass = 1; pass <= 3; pass += 1) {
      failpoint(${JSON.stringify(name)})
      console.log(pass)
    }`
  const { stdout, stderr, signal, status } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script],
    {
      cwd: new URL('../..', import.meta.url),
      env: { ...process.env, ...(armed !== undefined && { CONET_FAILPOINT: armed }) },
      encoding: 'utf8',
    },
  )
  return { printed: stdout.split('\n').filter(Boolean), stderr, signal, status }
}

describe('a failpoint', () => {
  it('does nothing unless the environment names it', () => {
    expect(passes(undefined)).toMatchObject({ printed: ['1', '2', '3'], status: 0 })
    expect(passes('elsewhere')).toMatchObject({ printed: ['1', '2', '3'], status: 0 })
    expect(() => failpoint('never declared')).not.toThrow()
  })

  it('kills the process at the first pass, or at the one that is asked for', () => {
    expect(passes('here')).toMatchObject({ printed: [], signal: 'SIGKILL' })
    expect(passes('here:3')).toMatchObject({ printed: ['1', '2'], signal: 'SIGKILL' })
    expect(passes('here:4')).toMatchObject({ printed: ['1', '2', '3'], status: 0 })
  })

  it('is armed by a file while the process runs', async () => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'failpoint')
    writeFileSync(file, 'elsewhere')
    expect(passes(`@${file}`)).toMatchObject({ printed: ['1', '2', '3'], status: 0 })
    writeFileSync(file, 'here\n')
    expect(passes(`@${file}`)).toMatchObject({ printed: [], signal: 'SIGKILL' })
  })

  it('must have been declared while any is armed, so that a crash test finds it', () => {
    const { status, stderr } = passes('elsewhere', 'forgotten')
    expect(status).toBe(1)
    expect(stderr).toContain('failpoint "forgotten" was not declared')
  })

  it('stands before and after every method of a driver; CONET_FAILPOINT=list prints them', async () => {
    const expected = Object.keys(requests)
      .flatMap((method) => [`driver:${method}:after`, `driver:${method}:before`])
      .toSorted()
    // Other tests of this process may have loaded the host's.
    expect(failpointNames().filter((name) => name.startsWith('driver:'))).toEqual(expected)
    await using driver = await startDriverProgram({
      program: nullProgram,
      env: { CONET_FAILPOINT: 'list' },
    })
    expect(await driver.exited).toBe(0)
    expect(driver.stdout.trim().split('\n')).toEqual(expected)
  })
})

describe('a failpoint that is none', () => {
  it('keeps a driver from starting, which names those that there are', async () => {
    await using driver = await startDriverProgram({
      program: nullProgram,
      env: { CONET_FAILPOINT: 'driver:endpoint/plugg:before' },
    })
    expect(await driver.exited).toBe(1)
    expect(driver.stderr).toContain('there is no failpoint "driver:endpoint/plugg:before"')
    expect(driver.stderr).toContain('driver:endpoint/plug:before')
  })

  it('keeps conetd from starting; those of drivers are left to them', () => {
    const conetd = join(repository, 'host/bin/conetd.js')
    const env = { ...process.env, CONET_FAILPOINT: 'host:no-such' }
    const { status, stderr } = spawnSync(process.execPath, [conetd, '--stop-drivers'], {
      env,
      encoding: 'utf8',
    })
    expect(status).toBe(1)
    expect(stderr).toContain('there is no failpoint "host:no-such"')
    expect(stderr).toContain('host:spawn:started')
  })
})

describe('the failpoints of a driver’s methods', () => {
  it('end it before or after the author’s code, and before the answer', async () => {
    for (const [armed, seen] of [
      ['driver:endpoint/plug:before', ['start', 'network/create', 'endpoint/create']],
      ['driver:endpoint/plug:after', ['start', 'network/create', 'endpoint/create', 'endpoint/plug']],
      ['driver:endpoint/create:after:2', ['start', 'network/create', 'endpoint/create', 'endpoint/create']],
      [
        'driver:driver/ping:before',
        ['start', 'network/create', 'endpoint/create', 'endpoint/create', 'endpoint/plug'],
      ],
    ] as const) {
      await using directory = await temporaryDirectory()
      await using fake = await FakeDriver.start({
        directory: directory.path,
        env: { CONET_FAILPOINT: armed },
      })
      await using client = await DriverClient.initialized(fake.socketPath)
      expect((await failureOf(story(client, armed))).kind).toBe('driverUnavailable')
      expect(await fake.program.exited).toBe('SIGKILL')
      expect(fake.calls()).toEqual(seen)
    }
  })
})

async function story(client: DriverClient, armed: string): Promise<void> {
  const network = sampleNetwork()
  const endpoint = sampleEndpoint(network)
  await client.call('network/create', { network })
  await client.call('endpoint/create', endpoint)
  if (!armed.includes('plug')) await client.call('endpoint/create', endpoint)
  await client.call('endpoint/plug', { ...endpoint, sandbox: sampleSandbox })
  await client.call('driver/ping', {})
}
