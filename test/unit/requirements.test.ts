import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { findProofs, proofsIn, requirementsPage, unfounded, unproven } from '../requirements/page.ts'
import { statements, unmet } from '../requirements/statements.ts'
import { repository } from '../support/repository.ts'

it('every statement has a test, and docs/requirements.md names it: npm run generate', () => {
  const proofs = findProofs()
  expect(unproven(proofs)).toEqual([])
  expect(unfounded(proofs)).toEqual([])
  expect(readFileSync(join(repository, 'docs/requirements.md'), 'utf8')).toBe(requirementsPage(proofs))
})

it('an id counts in front of a name only', () => {
  // With other brackets, so that it is no proof itself.
  const names = `it('<C1> <D2> works', f); describe("<K3> a thing's", f); it('like <C4>', f); x<B1>`
  const source = names.replaceAll('<', '[').replaceAll('>', ']')
  expect(proofsIn('a.test.ts', source)).toEqual([
    { id: 'C1', file: 'a.test.ts', title: 'works' },
    { id: 'D2', file: 'a.test.ts', title: 'works' },
    { id: 'K3', file: 'a.test.ts', title: "a thing's" },
  ])
  expect(unproven([])).toContain('K1')
})

it('an id that no statement has, or one that is said to be unmet, fails the page', () => {
  const proof = { file: 'a.test.ts', title: 'works' }
  const proofs = [
    { ...proof, id: 'B1' },
    { ...proof, id: 'B999' },
    { ...proof, id: 'B3' },
  ]
  expect(unfounded(proofs)).toEqual(['a.test.ts: [B999] works', 'a.test.ts: [B3] works'])
  expect(() => requirementsPage(proofs)).toThrow(/B999/)
  expect(Object.keys(statements)).toEqual(expect.arrayContaining(Object.keys(unmet)))
})

it('[K9] the top level is package.json, tsconfig.json, host, sdk, drivers, test and docs', () => {
  for (const name of ['package.json', 'tsconfig.json', 'README.md', 'docs']) {
    expect(existsSync(join(repository, name)), name).toBe(true)
  }
  const drivers = readdirSync(join(repository, 'drivers')).map((name) => `drivers/${name}`)
  expect(drivers).toEqual(expect.arrayContaining(['drivers/bridge', 'drivers/vxlan']))
  for (const name of ['host', 'sdk', 'test', ...drivers]) {
    expect(existsSync(join(repository, name, 'package.json')), name).toBe(true)
  }
})

it('[K10] each of the chosen libraries is a dependency, and the code imports it', () => {
  const chosen = {
    sdk: ['vscode-jsonrpc', 'ajv', 'netlink', 'koffi', 'typebox'],
    host: ['fastify', 'piscina', 'semver', 'ajv', 'lmdb', 'pino'],
    test: ['vitest', 'fast-check'],
  }
  for (const [name, libraries] of Object.entries(chosen)) {
    const { dependencies } = JSON.parse(readFileSync(join(repository, name, 'package.json'), 'utf8'))
    const sources = sourceOf(join(repository, name === 'test' ? 'test' : `${name}/src`))
    for (const library of libraries) {
      expect(dependencies, name).toHaveProperty(library)
      expect(new RegExp(`['"]${library}[/'"]`).test(sources), `${name} imports ${library}`).toBe(true)
    }
  }
})

function sourceOf(directory: string): string {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('dist/') && !file.includes('node_modules'))
    .filter((file) => !file.endsWith('requirements.test.ts'))
    .map((file) => readFileSync(join(directory, file), 'utf8'))
    .join('')
}
