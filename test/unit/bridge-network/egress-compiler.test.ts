import { expect, it } from 'vitest'
import { EgressCompiler } from '../../../sdk/dist/bridge-network/firewall/egress-compiler.js'
import type { NetOutRule } from '../../../sdk/dist/bridge-network/policy/document.js'
import { openEgress } from '../../../sdk/dist/bridge-network/policy/rules.js'

const network = { ...openEgress, usual: 'deny' as const }
const compiler = new EgressCompiler()
const compile = (
  port: number,
  { handle = 'web', of = network, ...rule }: Partial<NetOutRule> & Options = {},
) =>
  compiler.compile({
    network: of,
    netOut: [{ protocol: 'tcp', ports: [{ start: port }], ...rule }],
    families: [4],
    logPrefix: `conet ${handle} `,
    table: 'conet_test',
  })
type Options = { handle?: string; of?: typeof network }

it('a document that others have too is compiled once for a network, unless it logs', async () => {
  const first = await compile(80)
  expect(await compile(80, { handle: 'db' })).toBe(first)
  expect(await compile(81)).not.toBe(first)
  expect(await compile(80, { of: { ...network } })).not.toBe(first)
  const logging = await compile(80, { log: true })
  const other = await compile(80, { log: true, handle: 'db' })
  expect(other.chains[4]?.name).not.toBe(logging.chains[4]?.name)
})

it('only the last documents of a network are remembered', async () => {
  const first = await compile(80)
  for (let port = 1000; port < 1040; port += 1) await compile(port)
  const again = await compile(80)
  expect(again).not.toBe(first)
  expect(again.chains[4]?.name).toBe(first.chains[4]?.name)
})

it('a thread that fails takes nothing with it of what the next one compiles', async () => {
  const source = { network, families: [4 as const], logPrefix: 'conet web ', table: 'conet_test' }
  const many = (rule: string): NetOutRule[] => Array.from({ length: 500 }, () => JSON.parse(rule))
  // No error of the toolkit, so the thread ends by it.
  await expect(compiler.compile({ ...source, netOut: many('null') })).rejects.toThrow(TypeError)
  const next = await compiler.compile({ ...source, netOut: many('{ "protocol": "tcp" }') })
  expect(next.chains[4]).toBeDefined()
  await compiler.close()
})
