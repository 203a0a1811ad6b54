// conetd dies around each record of a driver that it starts. Its next life finds that very process, or starts one: never two,
// and what was said to end, ends.
import { readdirSync, readFileSync } from 'node:fs'
import { supervisorFailpoints } from '@conet/host/drivers/failpoints'
import { expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'

/** The processes that listen on that socket, or were told to. */
function processesFor(socket: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(socket)
      } catch {
        // It has ended meanwhile.
        return false
      }
    })
    .map(Number)
}

it('a driver that conetd starts is one process, wherever conetd dies while it starts or finds it', async () => {
  await using fixture = await ConetdFixture.start({ spawn: ['null'], starts: false })
  const socket = `${fixture.driverDirectory}/null.sock`
  for (const failpoint of supervisorFailpoints) {
    // Only what runs already is found.
    if (failpoint === 'host:spawn:adopted') await fixture.start().then(() => fixture.kill())
    fixture.launch(failpoint)
    expect(await fixture.conetd.ended(), failpoint).toBe('SIGKILL')
    const left = processesFor(socket)
    await fixture.start()
    const pid = await eventually(async () => {
      const found = await fixture.client.getDriver('null')
      expect(found, failpoint).toMatchObject({ state: 'ready', pid: expect.any(Number) })
      return found.pid
    })
    expect(processesFor(socket), failpoint).toEqual([pid])
    if (left.length > 0) expect(left, failpoint).toEqual([pid])
    await fixture.client.stopDriver('null')
    expect(processesFor(socket), failpoint).toEqual([])
    await fixture.kill()
  }
  await fixture.start()
})
