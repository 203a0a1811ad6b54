// The conformance kit of conet, check by check: it starts the driver as a program and talks to it over its socket. As
// root it looks into the kernel, too. `npx conet-conformance explain CHECK` says what a check wants and why.
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { conformanceTests } from '@conet/sdk/conformance'

const program = fileURLToPath(new URL('../src/main.js', import.meta.url))

conformanceTests(
  { command: `"${process.execPath}" "${program}" --socket {socket}`, level: 'robust' },
  { describe, it, beforeAll: before, afterAll: after },
)
