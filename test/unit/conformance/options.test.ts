// Words of the command line of the kit, and the files that they name.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  parseExpectedFailures,
  parseLevel,
  parseNames,
  parseReport,
  parseScale,
  parseSeed,
} from '../../../sdk/dist/conformance/cli/options.js'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

async function expectedFailures(text: string): Promise<Record<string, string>> {
  await using directory = await temporaryDirectory()
  const file = join(directory.path, 'expected.json')
  await writeFile(file, text)
  return parseExpectedFailures(file)
}

it('reads a file of expected failures: ids and reasons', async () => {
  expect(await expectedFailures('{"rpc.ids":"issue 12"}')).toEqual({ 'rpc.ids': 'issue 12' })
})

it.each([
  ['not JSON', '{'],
  ['a list', '["rpc.ids"]'],
  ['no reason', '{"rpc.ids":""}'],
  ['a reason that is no text', '{"rpc.ids":true}'],
  ['a reason of blanks', '{"rpc.ids":"  "}'],
  ['no such check', '{"rpc.nothing":"issue 12"}'],
])('refuses a file of expected failures that is wrong: %s', async (_what, text) => {
  await expect(expectedFailures(text)).rejects.toThrow()
})

it('refuses an area among expected failures with the line, and names its checks', async () => {
  const text = '{\n  "rpc.ids": "issue 12",\n  "cancel": "issue 13"\n}'
  await expect(expectedFailures(text)).rejects.toThrow(
    /expected\.json:3: "cancel" is an area.*cancel\.nothing/,
  )
})

it('takes no option for names without one', () => {
  expect(() => parseNames('')).toThrow()
  expect(() => parseNames(' , ')).toThrow()
})

it('takes names with commas and in several options', () => {
  expect(parseNames('a,b', parseNames('c'))).toEqual(['c', 'a', 'b'])
})

it('takes reports as FORMAT=FILE, the file with any characters', () => {
  expect(parseReport('tap=-', parseReport('html=a=b.html'))).toEqual([
    { format: 'html', file: 'a=b.html' },
    { format: 'tap', file: '-' },
  ])
})

it.each([
  ['a level', () => parseLevel('Core')],
  ['a seed that is negative', () => parseSeed('-1')],
  ['a seed of more than 32 bits', () => parseSeed('4294967296')],
  ['a seed in hexadecimal', () => parseSeed('0x10')],
  ['a time scale of 0', () => parseScale('0')],
  ['a time scale that is no number', () => parseScale('much')],
  ['a report without a file', () => parseReport('html=')],
  ['a report without a format', () => parseReport('report.html')],
  ['a report in a form that is inherited', () => parseReport('toString=x')],
])('refuses %s', (_what, parse) => {
  expect(parse).toThrow()
})
