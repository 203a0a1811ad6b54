// `conet-conformance` against a driver of the tree.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { Report } from '@conet/sdk/conformance'
import { joinedProgram } from './joined-program.ts'
import { repository } from './repository.ts'

export const bundledDrivers = ['null', 'bridge', 'vxlan', 'weave-example'] as const

/** Then the kit is told to end, which ends its driver, too. Below the time of the test, and that of the file. */
const kitMs = 400_000
const kit = joinedProgram('sdk/dist/conformance/cli/main.js')

/** Checks it at the level upgradable, with more words for the kit. */
export function conformanceOf(
  name: (typeof bundledDrivers)[number] | 'routed-example',
  words: readonly string[],
): Promise<{ exitCode: number | string; report: Report }> {
  const program = name.endsWith('-example')
    ? joinedProgram(`drivers/${name}/dist/driver.js`)
    : join(repository, `drivers/${name}/bin/conet-driver-${name}.js`)
  const command = `${process.execPath} ${program} --socket {socket} --log-level error`
  const args = [
    'run',
    '--command',
    command,
    '--level',
    'upgradable',
    ...words,
    '--quiet',
    '--report',
    'json=-',
  ]
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [kit, ...args],
      { maxBuffer: 32 * 1024 * 1024, timeout: kitMs },
      (error, stdout) => {
        if (stdout === '') reject(error)
        else resolve({ exitCode: error?.code ?? 0, report: JSON.parse(stdout) })
      },
    )
  })
}

/** What did not end well, with what is needed to see why. */
export function failuresOf({ checks }: Report) {
  const good = ['pass', 'not-applicable', 'disabled']
  return checks
    .filter(({ status }) => !good.includes(status))
    .map(({ id, status, message, found, notes }) => ({ id, status, message, found, notes }))
}
