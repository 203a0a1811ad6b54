// The conformance kit of conet, check by check: it starts the driver as a program and talks to it over its socket. As
// root it looks into the kernel, too. `npx conet-conformance explain CHECK` says what a check wants and why.
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ConformanceRun } from '@conet/sdk/conformance'

const program = fileURLToPath(new URL('../src/main.js', import.meta.url))
const run = await ConformanceRun.open({
  command: `"${process.execPath}" "${program}" --socket {socket}`,
  level: 'robust',
})

describe('my-driver keeps the contract of a driver', () => {
  after(() => run[Symbol.asyncDispose]())

  for (const selected of run.selected) {
    it(`${selected.check.id}: ${selected.check.title}`, async (t) => {
      const result = await run.run(selected)
      const { status, message, why, mend, reproduce } = result
      if (status === 'not-applicable' || status === 'untestable') t.skip(message)
      else assert.equal(status, 'pass', `${message}\n${why}\n${mend}\n${reproduce}`)
    })
  }
})
