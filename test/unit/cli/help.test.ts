// Help: of every command, and the guide that repeats it.
import { readFile } from 'node:fs/promises'
import { exitCodesText } from '@conet/host/cli/exit-code'
import { buildProgram } from '@conet/host/cli/program'
import { expect, it } from 'vitest'
import { conet } from '../../support/run-conet.ts'

const nowhere = {
  out: () => {},
  err: () => {},
  env: {},
  columns: undefined,
  signal: new AbortController().signal,
}

type Command = ReturnType<typeof buildProgram>['root']

function paths(command: Command, before: readonly string[] = []): string[][] {
  return command.commands.flatMap((child: Command) => {
    const path = [...before, child.name()]
    return [path, ...paths(child, path)]
  })
}

const everyCommand = paths(buildProgram(nowhere).root).map((path) => path.join(' '))

it('knows every command of the command line', () => {
  const net = ['create', 'list', 'inspect', 'rm', 'plug', 'unplug'].map((name) => `net ${name}`)
  const containers = ['create', 'list', 'inspect', 'events', 'rm', 'up', 'down'].map(
    (name) => `container ${name}`,
  )
  const drivers = ['list', 'inspect', 'stop'].map((name) => `driver ${name}`)
  const host = ['status', 'events', 'version', 'help']
  expect(everyCommand).toEqual(expect.arrayContaining([...net, ...containers, ...drivers, ...host]))
})

it.each(everyCommand)('conet %s --help has an example and does nothing', async (path) => {
  const outcome = await conet([...path.split(' '), '--help'])
  expect(outcome).toMatchObject({ code: 0, err: '' })
  expect(outcome.out).toMatch(/\nExample:\n {2}\$ conet /)
  expect(await conet(['help', ...path.split(' ')])).toEqual(outcome)
})

it('every command that writes JSON of what there is takes --no-trunc', async () => {
  for (const path of everyCommand) {
    const { out } = await conet([...path.split(' '), '--help'])
    if (out.includes(' --json ')) expect(out, path).toContain(' --no-trunc ')
  }
})

it('every example is a command line that is understood', async () => {
  for (const path of everyCommand) {
    const { out } = await conet([...path.split(' '), '--help'])
    for (const [, example = ''] of out.matchAll(/^ {2}\$ conet (.*)$/gm)) {
      expect((await conet(example.split(' '))).code, example).not.toBe(2)
    }
  }
})

it('the guide names every command and repeats the exit codes', async () => {
  const guide = await readFile(new URL('../../../docs/guides/cli.md', import.meta.url), 'utf8')
  for (const path of everyCommand) expect(guide).toContain(`conet ${path}`)
  expect(guide).toContain(exitCodesText)
})
