import { chmod, chown, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StateFile, type StateFileOptions } from '@conet/sdk'
import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startDriverProgram } from '../../support/fake-driver.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { failureOf } from './driver/served.ts'

const schema = Type.Object({ leases: Type.Record(Type.String(), Type.String()) })
const writer = fileURLToPath(new URL('state-file-writer.mjs', import.meta.url))

async function inDirectory(overrides: Partial<StateFileOptions<typeof schema>> = {}) {
  const directory = await temporaryDirectory()
  const path = join(directory.path, 'state.json')
  const open = (options: Partial<StateFileOptions<typeof schema>> = {}) =>
    new StateFile({ path, schema, version: 2, empty: { leases: {} }, ...overrides, ...options })
  return { ...directory, directory: directory.path, file: open(), open, path }
}

describe('a state file', () => {
  it('is empty until something is written, and has what was written last', async () => {
    await using at = await inDirectory()
    expect(await at.file.read()).toEqual({ leases: {} })
    await at.file.write({ leases: { a: '10.0.0.2' } })
    await at.file.write({ leases: { b: '10.0.0.3' } })
    expect(await at.open().read()).toEqual({ leases: { b: '10.0.0.3' } })
    expect(await readdir(at.directory)).toEqual(['state.json'])
  })

  it('writes what comes together once, the last one, in a form that people can read', async () => {
    await using at = await inDirectory()
    const writes = Array.from({ length: 100 }, (_, n) => at.file.write({ leases: { n: `${n}` } }))
    expect(new Set(writes).size).toBeLessThan(5)
    await Promise.all(writes)
    expect(await readFile(at.path, 'utf8')).toBe('{"version":2,"state":{"leases":{"n":"99"}}}\n')
  })

  it('refuses a state that is not of the schema, naming the field, and keeps the old one', async () => {
    await using at = await inDirectory()
    await at.file.write({ leases: { a: 'x' } })
    const wrong = JSON.parse('{"leases":{"a":7}}')
    const failure = await failureOf(at.file.write(wrong))
    expect(failure).toMatchObject({ kind: 'invalidArgument', fields: [{ path: 'leases.a' }] })
    expect(await at.file.read()).toEqual({ leases: { a: 'x' } })
  })

  it.each([
    ['no JSON', '{"version":2,'],
    ['nothing', ''],
    ['no version', '{"leases":{}}'],
    ['another state', '{"version":2,"state":{"leases":[]}}'],
    ['the state of a newer version', '{"version":3,"state":{"leases":{}}}'],
    ['the state of an older version', '{"version":1,"state":{"leases":{}}}'],
  ])('is refused, and left as it is, when it holds %s', async (_what, content) => {
    await using at = await inDirectory()
    await writeFile(at.path, content, { mode: 0o600 })
    const failure = await failureOf(at.file.read())
    expect(failure).toMatchObject({ kind: 'failedPrecondition', help: expect.any(String) })
    expect(await readFile(at.path, 'utf8')).toBe(content)
  })

  it('upgrades what an older version wrote, and checks the outcome', async () => {
    await using at = await inDirectory()
    await writeFile(at.path, '{"version":1,"state":["a"]}', { mode: 0o600 })
    const upgraded = at.open({ upgrade: (state, version) => ({ leases: { [`${state}`]: `v${version}` } }) })
    expect(await upgraded.read()).toEqual({ leases: { a: 'v1' } })
    const wrong = at.open({ upgrade: () => 'nonsense' })
    expect((await failureOf(wrong.read())).kind).toBe('failedPrecondition')
  })

  it.each([
    ['another owner’s', (path: string) => chown(path, 65534, 65534)],
    ['writable by others', (path: string) => chmod(path, 0o666)],
    [
      'a symbolic link',
      (path: string) => rename(path, `${path}.real`).then(() => symlink(`${path}.real`, path)),
    ],
    ['a directory', (path: string) => rename(path, `${path}.old`).then(() => mkdir(path))],
  ])('is neither read nor replaced when it is %s', async (_what, spoil) => {
    await using at = await inDirectory()
    await at.file.write({ leases: {} })
    await spoil(at.path)
    expect((await failureOf(at.file.read())).kind).toBe('permissionDenied')
    expect((await failureOf(at.file.write({ leases: {} }))).kind).toBe('permissionDenied')
  })

  it('goes on after a write that failed', async () => {
    await using at = await inDirectory()
    const elsewhere = join(at.directory, 'gone')
    const file = at.open({ path: join(elsewhere, 'state.json') })
    await expect(file.write({ leases: {} })).rejects.toMatchObject({ code: 'ENOENT' })
    await mkdir(elsewhere)
    await file.write({ leases: { a: 'x' } })
    expect(await file.read()).toEqual({ leases: { a: 'x' } })
  })

  it('is whole after its writer was killed, and never older than what was confirmed', async () => {
    await using at = await inDirectory({ version: 1 })
    for (const lives of [20, 40, 60]) {
      await using program = await startDriverProgram({ program: writer, args: [at.path] })
      await eventually(() => expect(program.stdout.split('\n').length).toBeGreaterThan(lives))
      await program.end('SIGKILL')
      const confirmed = Number(program.stdout.split('\n').slice(0, -1).at(-1))
      const { leases } = await at.file.read()
      expect(Number(leases.count)).toBeGreaterThanOrEqual(confirmed)
    }
  })
})
