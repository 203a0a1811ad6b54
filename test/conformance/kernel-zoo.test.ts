// The checks of the kernel are proven able to fail by drivers that make interfaces. The kit compares the whole namespace,
// so those that are looked at side by side have one each. They mostly wait for the kernel.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { joinedProgram } from '../support/joined-program.ts'
import { kernelMutations } from '../zoo/mutations/index.ts'
import type { Verdict } from '../zoo/verdict.ts'

const program = joinedProgram('test/dist/zoo/kernel/verdict-main.js')
const sideBySide = 4

/** Of one driver after the other, in a namespace with nothing but loopback. */
async function verdictsInside(names: readonly string[]): Promise<Record<string, Verdict>> {
  const inside = ['sh', '-c', 'ip link set lo up && exec "$@"', 'sh', process.execPath, program, ...names]
  const argv = ['--net', '--mount', '--propagation', 'private', ...inside]
  const { stdout } = await promisify(execFile)('unshare', argv)
  return JSON.parse(stdout)
}

let verdicts: Record<string, Verdict>

beforeAll(async () => {
  const names = ['good', ...kernelMutations.map(({ name }) => name)]
  const shares = Array.from({ length: sideBySide }, (_, share) =>
    names.filter((_name, index) => index % sideBySide === share),
  )
  verdicts = Object.assign({}, ...(await Promise.all(shares.map(verdictsInside))))
}, 180_000)

it('[K7] the good driver that makes interfaces passes every check of the kernel', () => {
  expect(verdicts.good).toEqual({
    failed: [],
    // It leaves nothing to the host, calls nothing exact, has no sandbox of its own, and cannot be ended.
    undecided: ['kernel.source', 'kernel.exact', 'kernel.shared-interface', 'kernel.driver-end-keeps'],
  })
})

describe('a driver that', () => {
  it.each(kernelMutations)(
    '[K7] $does ($name) fails the checks of the kernel that it names, and no other',
    ({ name, fails }) => {
      expect(verdicts[name]?.failed).toEqual([...fails].sort())
    },
  )
})
