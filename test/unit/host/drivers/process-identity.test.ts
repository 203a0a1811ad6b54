import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { findByEnvironment, identifyProcess, isAlive } from '@conet/host/drivers/process-identity'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'

function start(script: string, environment: NodeJS.ProcessEnv = {}) {
  const child = spawn('sh', ['-c', script], { env: { ...process.env, ...environment }, stdio: 'ignore' })
  if (child.pid === undefined) throw new Error('the process did not start')
  return { pid: child.pid, [Symbol.dispose]: () => void child.kill('SIGKILL') }
}

describe('the identity of a process', () => {
  it('stays while the process lives, and another start time or boot is another process', async () => {
    using child = start('exec sleep 60')
    const identity = await identifyProcess(child.pid)
    if (identity === undefined) throw new Error('the process is not there')
    expect(await isAlive(identity)).toBe(true)
    expect(await isAlive({ ...identity, startTime: '1' })).toBe(false)
    expect(await isAlive({ ...identity, bootId: 'another' })).toBe(false)
  })

  it('is none for a process that ended and whose parent has not asked for it', async () => {
    using parent = start('sleep 0.01 & exec sleep 60')
    const zombie = await eventually(async () => {
      const children = await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8')
      const pid = Number(children.trim())
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
      if (!stat.includes(') Z ')) throw new Error('the child has not ended')
      return pid
    })
    expect(await identifyProcess(zombie)).toBeUndefined()
  })

  it('is found by a member of the environment, the eldest of a family', async () => {
    using parent = start('sleep 60 & sleep 60; true', { CONET_TEST_MARK: 'a-mark-of-this-test' })
    await eventually(async () => {
      const children = await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8')
      expect(children.trim().split(' ')).toHaveLength(2)
    })
    expect((await findByEnvironment('CONET_TEST_MARK=a-mark-of-this-test'))?.pid).toBe(parent.pid)
    expect(await findByEnvironment('CONET_TEST_MARK=another')).toBeUndefined()
    const children = await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8')
    for (const pid of children.trim().split(' ')) process.kill(Number(pid), 'SIGKILL')
  })
})
