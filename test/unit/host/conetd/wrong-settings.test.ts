// What conetd is told that makes no sense, from its command line to what it says of it. That it ends then is tested with
// the program (e2e/bad-input-conetd.test.ts).
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArguments } from '@conet/host/conetd/arguments'
import { readSettings } from '@conet/host/conetd/settings'
import { ConetError } from '@conet/sdk'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'

/** What it writes to its stderr, which is all that it writes. */
function refusalOf(argv: readonly string[]): string {
  const output = { out: '', err: '' }
  const parsed = parseArguments(argv, '1.2.3', {
    out: (text) => {
      output.out += text
    },
    err: (text) => {
      output.err += text
    },
  })
  expect(output.out).toBe('')
  if (parsed.action !== 'exit') return messageOf(() => readSettings(parsed.flags, {}))
  expect(parsed.code).toBe(2)
  return output.err
}

function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (ConetError.is(error)) return error.message
    throw error
  }
  throw new Error('the settings were taken')
}

it.each<[string, string[], string]>([
  ['an unknown flag', ['--bogus'], "conetd: unknown option '--bogus'"],
  ['a word too many', ['bogus'], 'too many arguments'],
  ['a flag without its value', ['--socket'], '--socket'],
  ['an empty path', ['--run-dir', ''], 'run_dir'],
  ['a socket path that is too long', ['--socket', `/${'x'.repeat(120)}`], 'socket'],
  ['one path for both sockets', ['--socket', '/x', '--runtime-socket', '/./x'], 'socket and runtime_socket'],
  ['a log level that is none', ['--log-level', 'loud'], 'log_level'],
  ['a driver with a path in its name', ['--spawn', '../x'], 'spawn[0]'],
  ['an empty driver', ['--spawn', 'null,'], 'spawn[1]'],
  ['a file that is not there', ['--config', '/none.json'], '/none.json'],
  ['a directory for a file', ['--config', '/'], 'EISDIR'],
])('%s is refused and named', (_what, argv, named) => {
  expect(refusalOf(argv)).toContain(named)
})

it.each<[string, string]>([
  ['', 'not JSON'],
  ['{"spawn": [', 'not JSON'],
  ['\ufffd\ufffe', 'not JSON'],
  ['[]', 'must be an object'],
  ['null', 'must be an object'],
  ['{"bogus": 1}', 'bogus'],
  ['{"__proto__": 1}', '__proto__'],
  ['{"spawn": "bridge"}', 'spawn'],
  ['{"log_level": 5}', 'log_level'],
  ['{"run_dir": "relative"}', 'run_dir'],
  ['{"timeouts": {"stop_ms": -1}}', 'timeouts.stop_ms'],
  ['{"address_pools": {"ipv4": [{"base": "10.0.0.1/8", "size": 16}]}}', 'address_pools.ipv4[0].base'],
  ['{"address_pools": {"ipv4": [{"base": "10.0.0.0/16", "size": 8}]}}', 'address_pools.ipv4[0].size'],
  ['{"address_pools": {"ipv4": [{"base": "fd00::/48", "size": 64}]}}', 'address_pools.ipv4[0].base'],
  ['{"address_pools": {"ipv6": [{"base": "10.0.0.0/8", "size": 16}]}}', 'address_pools.ipv6[0].base'],
])('the configuration file %s is refused, and the key named', async (text, named) => {
  await using directory = await temporaryDirectory()
  const config = join(directory.path, 'conetd.json')
  await writeFile(config, text)
  expect(refusalOf(['--config', config])).toContain(named)
})
