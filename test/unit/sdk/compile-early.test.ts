import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const sdk = import.meta.resolve('@conet/sdk')

/** How often a small function was called when V8 had optimized it, in a process of its own. Bit 4 of the status says so. */
async function callsUntilOptimized(before: string, wanted = ''): Promise<number> {
  const program = `
    import { compileEarly } from '${sdk}'
    ${before}
    const sum = (one) => one.a * 3 + one.b * one.a - one.b / (one.a + 1)
    let calls = 0
    do sum({ a: ++calls, b: 2 })
    while ((%GetOptimizationStatus(sum) & 16) === 0)
    console.log(calls)`
  const flags = ['--allow-natives-syntax', '--no-concurrent-recompilation', '--input-type=module']
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...flags, '--eval', program], {
    timeout: 20_000,
    env: { ...process.env, CONET_COMPILE_EARLY: wanted },
  })
  expect(stderr).toBe('')
  return Number(stdout)
}

describe('compileEarly', () => {
  it('has V8 optimize a function after less than half of the calls', async () => {
    const [usual, early] = await Promise.all([callsUntilOptimized(''), callsUntilOptimized('compileEarly()')])
    expect(early).toBeLessThan(usual / 2)
  })

  it('does nothing where the environment does not want it', async () => {
    const [early, unwanted] = await Promise.all([
      callsUntilOptimized('compileEarly()'),
      callsUntilOptimized('compileEarly()', 'no'),
    ])
    expect(early).toBeLessThan(unwanted / 2)
  })
})
