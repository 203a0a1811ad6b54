// A run directory with programs of drivers, and supervisors on it: what the tests of the supervisor begin with.
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Supervisor, type SupervisorOptions } from '@conet/host/drivers/index'
import { driverPrograms } from '../support/driver-programs.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

type WorldOptions = { environment?: NodeJS.ProcessEnv; timing?: SupervisorOptions['timing'] }

/** A run directory with programs, and supervisors on it, one after the other; all drivers end with it. */
export async function makeWorld({ environment = {}, timing = {} }: WorldOptions = {}) {
  const temporary = await temporaryDirectory()
  const programs = await driverPrograms(join(temporary.path, 'bin'), ['x', 'y'])
  const driverDirectory = join(temporary.path, 'd')
  const runDirectory = join(temporary.path, 'run')
  await mkdir(driverDirectory)
  const supervisors: Supervisor[] = []
  const supervise = (onChange = () => {}) => {
    const supervisor = new Supervisor({
      runDirectory,
      driverDirectory,
      places: { directories: [programs], packageDirectory: temporary.path, path: '' },
      environment: { PATH: process.env.PATH, ...environment },
      timing: { firstBackoffMs: 20, mostBackoffMs: 50, killAfterMs: 2_000, ...timing },
      onChange,
    })
    supervisors.push(supervisor)
    return supervisor
  }
  return {
    driverDirectory,
    runDirectory,
    supervise,
    record: (name: string) => join(runDirectory, 'spawned', `${name}.json`),
    log: (name: string) => readFile(join(runDirectory, 'spawned', `${name}.log`), 'utf8'),
    async [Symbol.asyncDispose]() {
      for (const supervisor of supervisors) await supervisor.close()
      await supervise().stopAll()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

export function pidOf(supervisor: Supervisor, name: string): number {
  const state = supervisor.stateOf(name)
  if (state?.state !== 'running') throw new Error(`driver ${name} is ${state?.state}`)
  return state.pid
}

export async function isThere(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat !== undefined && !/\) Z /.test(stat)
}
