import { chmod, chown, lchown, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findDriverProgram } from '@conet/host/drivers/driver-program'
import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { type TemporaryDirectory, temporaryDirectory } from '../../../support/temporary-directory.ts'

const stranger = 12_345

async function programAt(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true })
  const program = join(directory, 'conet-driver-x')
  await writeFile(program, '#!/bin/sh\n')
  await chmod(program, 0o755)
  return program
}

/** In a tree of its own: `host` is the package of conetd. */
async function find({ path }: TemporaryDirectory, place: { directories?: string[]; path?: string } = {}) {
  const packageDirectory = join(path, 'tree/host')
  await mkdir(packageDirectory, { recursive: true })
  return findDriverProgram('x', { directories: [], path: '', packageDirectory, ...place })
}

describe('the program of a driver', () => {
  it('is looked for in the configured directories, then in the tree of conet, then in PATH', async () => {
    await using directory = await temporaryDirectory()
    const [configured = '', path = ''] = ['configured', 'path'].map((name) => join(directory.path, name))
    const inPath = await programAt(path)
    expect(await find(directory, { path: `relative:${path}` })).toBe(inPath)
    const inTree = await programAt(join(directory.path, 'tree/node_modules/.bin'))
    expect(await find(directory, { path })).toBe(inTree)
    const first = await programAt(configured)
    expect(await find(directory, { directories: [configured], path })).toBe(first)
  })

  it('is not looked for above the tree in which conet is', async () => {
    await using directory = await temporaryDirectory()
    await programAt(join(directory.path, 'node_modules/.bin'))
    await expect(find(directory)).rejects.toMatchObject({ kind: 'notFound' })
    const installed = join(directory.path, 'node_modules/@conet/host')
    await mkdir(installed, { recursive: true })
    const places = { directories: [], path: '', packageDirectory: installed }
    expect(await findDriverProgram('x', places)).toBe(
      join(directory.path, 'node_modules/.bin/conet-driver-x'),
    )
  })

  it('that nobody has is refused with the places and the names that are there', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'bin')
    await programAt(path)
    const places = { directories: [], packageDirectory: directory.path, path: `/nonexistent:${path}` }
    await expect(findDriverProgram('y', places)).rejects.toMatchObject({
      kind: 'notFound',
      message: expect.stringMatching(/no conet-driver-y in .*; known drivers: x$/),
      details: { known: ['x'] },
    })
  })

  it('is taken whatever its group may do; the advice is what mends, and no more', async () => {
    await using directory = await temporaryDirectory()
    const bin = join(directory.path, 'bin')
    const program = await programAt(bin)
    await chmod(bin, 0o2775)
    await chmod(program, 0o775)
    expect(await find(directory, { path: bin })).toBe(program)
    const advice = async () => {
      const error = await find(directory, { path: bin }).catch((reason: unknown) => reason)
      return ConetError.is(error) ? /trusted: (.*?)\. Else/.exec(error.help ?? '')?.[1] : error
    }
    await chmod(program, 0o777)
    expect(await advice()).toBe(`chmod o-w ${program}`)
    await chown(program, stranger, 0)
    expect(await advice()).toBe(`chown root ${program} && chmod o-w ${program}`)
    await chmod(program, 0o755)
    expect(await advice()).toBe(`chown root ${program}`)
  })

  type Spoil = (at: { directory: string; bin: string; program: string }) => Promise<string>
  it.each<[string, Spoil, { mode: string; owner: number }]>([
    [
      'is writable by others',
      async ({ program }) => {
        await chmod(program, 0o757)
        return program
      },
      { mode: '0757', owner: 0 },
    ],
    [
      'belongs to somebody else',
      async ({ program }) => {
        await chown(program, stranger, 0)
        return program
      },
      { mode: '0755', owner: stranger },
    ],
    [
      'is in a directory that others may write to',
      async ({ bin }) => {
        await chmod(bin, 0o777)
        return bin
      },
      { mode: '0777', owner: 0 },
    ],
    [
      'is below a directory of somebody else',
      async ({ directory }) => {
        await chown(directory, stranger, 0)
        return directory
      },
      { mode: '0755', owner: stranger },
    ],
    [
      'is a link to what others may write to',
      async ({ directory, program }) => {
        await programAt(join(directory, 'open'))
        await chmod(join(directory, 'open'), 0o777)
        await replaceByLink(program, '../open/conet-driver-x')
        return join(directory, 'open')
      },
      { mode: '0777', owner: 0 },
    ],
    [
      'is a link of somebody else',
      async ({ directory, program }) => {
        await replaceByLink(program, await programAt(join(directory, 'own')))
        await lchown(program, stranger, 0)
        return program
      },
      { mode: '0777', owner: stranger },
    ],
  ])('that %s is refused with path, mode and owner', async (_what, spoil, found) => {
    await using directory = await temporaryDirectory()
    const below = join(directory.path, 'below')
    const bin = join(below, 'bin')
    const program = await programAt(bin)
    expect(await find(directory, { path: bin })).toBe(program)
    const path = await spoil({ directory: below, bin, program })
    await expect(find(directory, { path: bin })).rejects.toMatchObject({
      kind: 'failedPrecondition',
      message: expect.stringContaining(`${path} `),
      details: { program, path, ...found },
      help: expect.stringContaining(path),
    })
  })

  it('in a sticky directory is taken when it is root’s own, and a link of root’s to it too', async () => {
    await using directory = await temporaryDirectory()
    const bin = join(directory.path, 'bin')
    const program = await programAt(bin)
    await chmod(bin, 0o1777)
    expect(await find(directory, { path: bin })).toBe(program)
    const links = join(directory.path, 'links')
    await mkdir(links)
    await symlink('../bin/conet-driver-x', join(links, 'conet-driver-x'))
    expect(await find(directory, { path: links })).toBe(join(links, 'conet-driver-x'))
  })

  it('of whoever has conet’s own files is taken: they decide already what conetd does', async () => {
    await using directory = await temporaryDirectory()
    const bin = join(directory.path, 'tree/node_modules/.bin')
    const program = await programAt(bin)
    await find(directory)
    await chown(program, stranger, 0)
    await chown(join(directory.path, 'tree/host'), stranger, 0)
    expect(await find(directory)).toBe(program)
  })

  it('in the tree of conet is taken also below a directory that others may write to: conetd is there itself', async () => {
    await using directory = await temporaryDirectory()
    const bin = join(directory.path, 'tree/node_modules/.bin')
    const program = await programAt(bin)
    await find(directory)
    await chmod(directory.path, 0o777)
    expect(await find(directory)).toBe(program)
    await chmod(bin, 0o777)
    await expect(find(directory)).rejects.toMatchObject({ details: { path: bin } })
  })
})

async function replaceByLink(path: string, target: string): Promise<void> {
  await rm(path)
  await symlink(target, path)
}
