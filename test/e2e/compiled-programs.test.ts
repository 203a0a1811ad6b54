// What V8 compiled of the programs when they were joined is taken by those that run: docs/decisions/0021.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConetdProcess } from '../support/conetd-process.ts'
import { repository } from '../support/repository.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

let directory: TemporaryDirectory
let teller: string

beforeAll(async () => {
  directory = await temporaryDirectory()
  teller = join(directory.path, 'teller.cjs')
  writeFileSync(
    teller,
    `process.on('exit', () => {
      const { join, dirname } = require('node:path')
      const [loader] = Object.keys(require.cache).filter((path) => path.endsWith('/load.cjs'))
      const told = require(loader).scripts.map(({ keptAt, script }) => [keptAt.split('/').pop(), script.cachedDataRejected])
      require('node:fs').writeFileSync(process.env.TOLD, JSON.stringify(told))
    })`,
  )
})
afterAll(() => directory[Symbol.asyncDispose]())

type Told = readonly (readonly [file: string, isRejected: boolean | null])[]

/** Of each file that it loaded whether V8 refused the code, or had none. */
function told(path: string): Told {
  return JSON.parse(readFileSync(path, 'utf8'))
}

async function runProgram(program: string, ...args: readonly string[]): Promise<Told> {
  const path = join(directory.path, 'told.json')
  await promisify(execFile)(process.execPath, ['--require', teller, program, ...args], {
    env: { ...process.env, TOLD: path },
  })
  return told(path)
}

const notTaken = (files: Told) => files.filter(([, isRejected]) => isRejected !== false)

it('conetd takes all that it loads for its start', async () => {
  const TOLD = join(directory.path, 'conetd.json')
  {
    const place = { directory: directory.path, nodeFlags: ['--require', teller], spawn: [] }
    await using conetd = new ConetdProcess(place)
    await conetd.start({ TOLD })
  }
  expect(told(TOLD).length).toBeGreaterThan(10)
  expect(notTaken(told(TOLD))).toEqual([])
})

it.each([
  'host/bin/conet.js',
  'host/bin/conet-guardian.js',
  'host/bin/conet-oci-hook.js',
  'drivers/null/bin/conet-driver-null.js',
  'drivers/bridge/bin/conet-driver-bridge.js',
  'drivers/vxlan/bin/conet-driver-vxlan.js',
])('%s takes all that it loads for its help', async (program) => {
  const files = await runProgram(join(repository, program), '--help')
  expect(files).not.toEqual([])
  expect(notTaken(files)).toEqual([])
})

it('a stack names files by where they are in their package, and not where they were compiled', async () => {
  const zoo = join(repository, 'test/dist/programs/zoo.js')
  const run = promisify(execFile)(process.execPath, [zoo, '--socket', 'none', '--mutation', 'none'])
  await expect(run).rejects.toMatchObject({
    stderr: expect.stringMatching(/at .*\(dist\/programs\/zoo-driver-/),
  })
})

it('what was compiled of a file that has changed since is not taken', async () => {
  for (const part of ['package.json', 'bin', 'dist/programs'])
    await cp(join(repository, 'drivers/null', part), join(directory.path, 'null', part), { recursive: true })
  const programs = join(directory.path, 'null/dist/programs')
  const [file = ''] = readdirSync(programs).filter((name) => /^driver-.*\.js$/.test(name))
  const edited = join(programs, file)
  const inAnHour = Date.now() / 1000 + 3600
  utimesSync(edited, inAnHour, inAnHour)
  const files = await runProgram(join(directory.path, 'null/bin/conet-driver-null.js'), '--help')
  expect(files).toEqual([[file, null]])
})

it('what was compiled can be read by all, and is done without where it cannot', async () => {
  for (const name of readdirSync(join(repository, 'host/dist/programs/compiled/conetd')))
    expect(statSync(join(repository, 'host/dist/programs/compiled/conetd', name)).mode & 0o444).toBe(0o444)
  await cp(join(repository, 'drivers/null'), join(directory.path, 'unreadable'), { recursive: true })
  const compiled = join(directory.path, 'unreadable/dist/programs/compiled/driver')
  for (const name of readdirSync(compiled)) {
    await rm(join(compiled, name))
    await mkdir(join(compiled, name))
  }
  const files = await runProgram(join(directory.path, 'unreadable/bin/conet-driver-null.js'), '--help')
  expect(files.map(([, isRejected]) => isRejected)).toEqual([null])
})
