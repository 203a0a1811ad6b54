// docs/guides/conformance.md says what the program does.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { allChecks, exitCodeMeanings, formats, levels } from '@conet/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { profiles } from '../../../sdk/dist/conformance/checks/check.js'
import { buildProgram } from '../../../sdk/dist/conformance/cli/program.js'
import { repository } from '../../support/repository.ts'

const guide = readFileSync(join(repository, 'docs/guides/conformance.md'), 'utf8')

/** The first cells of the table whose head begins with that word; backticks are taken off. */
function table(head: string): string[][] {
  const lines = guide.split('\n')
  const start = lines.findIndex((line) => line.startsWith(`| ${head} `))
  const rows = lines.slice(start + 2)
  return rows.slice(0, rows.indexOf('')).map((row) =>
    row.split(' | ').map((cell) =>
      cell
        .replace(/^\| |\|$/g, '')
        .trim()
        .replaceAll('`', ''),
    ),
  )
}

function firstCells(head: string): string[] {
  return table(head).map(([first = '']) => first)
}

function optionsOfRun(): string[] {
  const silent = { out: () => undefined, err: () => undefined, signal: new AbortController().signal }
  const run = buildProgram(silent, () => undefined).commands.find((command) => command.name() === 'run')
  return (run?.options ?? []).map(({ flags }) => flags)
}

describe('the guide of the conformance kit', () => {
  it('has each option of run, and no other', () => {
    expect(firstCells('option')).toEqual(optionsOfRun())
  })

  it('has each exit code with its meaning', () => {
    expect(table('exit code')).toEqual(Object.entries(exitCodeMeanings))
  })

  it('has each level, each profile and each form of report', () => {
    expect(firstCells('level')).toEqual([...levels])
    expect(firstCells('profile')).toEqual(Object.keys(profiles))
    for (const format of Object.keys(formats)) expect(guide).toContain(`\`${format}\``)
  })

  it('says in which areas the checks of a profile are', () => {
    for (const [profile = '', , areas = ''] of table('profile')) {
      const ids = allChecks.filter((check) => check.profile === profile).map(({ id }) => id.split('.')[0])
      expect(areas.split(', ')).toEqual([...new Set(ids)])
    }
  })

  it('names checks that there are', () => {
    const named = guide.match(/\b[a-z]+\.[a-z]+(-[a-z]+)*\b(?=[\s`":])/g) ?? []
    const areas = new Set(allChecks.map(({ id }) => id.split('.')[0]))
    const ids = named.filter((name) => areas.has(name.split('.')[0]))
    expect(ids.length).toBeGreaterThan(5)
    expect(ids.filter((id) => !allChecks.some((check) => check.id === id))).toEqual([])
  })
})
