// Every rule of the protocol that binds a driver has a check, or a reason why it has none.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { allChecks, protocolRules, untestedRules } from '@conet/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { protocolPages, rulesOf } from '../../support/protocol-page.ts'
import { repository } from '../../support/repository.ts'
import { hostRules } from './host-rules.ts'

const rules = rulesOf(protocolPages())
const bindingDrivers = rules.filter(({ binds }) => binds !== 'host').map(({ id }) => id)
const checked = new Set(allChecks.flatMap((check) => check.rules))

function hasTest(file: string, test: string): boolean {
  return readFileSync(join(repository, 'test', file), 'utf8').includes(test)
}

describe('the rules of docs/protocol.md and the checks of the kit', () => {
  it('[K7] each rule that binds a driver has a check, or a written reason', () => {
    expect(bindingDrivers.length).toBeGreaterThan(60)
    expect(bindingDrivers.filter((id) => !checked.has(id) && !Object.hasOwn(untestedRules, id))).toEqual([])
  })

  it('the package carries the rules as the page has them: npm run generate, if the change is meant', () => {
    expect(protocolRules).toEqual(rules)
  })

  it('each rule that binds the host alone has a test that there is', () => {
    const binding = rules.filter(({ binds }) => binds === 'host')
    expect(Object.keys(hostRules)).toEqual(binding.map(({ id }) => id))
    const missing = Object.entries(hostRules).filter(([, { file, test }]) => !hasTest(file, test))
    expect(missing).toEqual([])
  })

  it('a reason is given only for a rule that has no check', () => {
    const superfluous = Object.keys(untestedRules).filter(
      (id) => checked.has(id) || !bindingDrivers.includes(id),
    )
    expect(superfluous).toEqual([])
  })

  it('each check names rules, and only such as bind drivers', () => {
    const loose = allChecks.filter((check) => check.rules.length === 0).map(({ id }) => id)
    expect(loose).toEqual([])
    expect([...checked].filter((id) => !bindingDrivers.includes(id))).toEqual([])
  })

  it('a check fails a driver only for a MUST', () => {
    const musts = new Set(rules.filter(({ level }) => level === 'MUST').map(({ id }) => id))
    const harsh = allChecks.filter(
      (check) => check.severity !== 'should' && !check.rules.some((id) => musts.has(id)),
    )
    expect(harsh.map(({ id }) => id)).toEqual([])
  })

  it('no check of core or robust needs to start the driver: --socket can reach both', () => {
    const early = allChecks.filter(({ level }) => level === 'core' || level === 'robust')
    expect(early.filter(({ needs = [] }) => needs.includes('command')).map(({ id }) => id)).toEqual([])
  })

  it('[K7] there are at least 80 checks, each with an id of its own, a title, a reason and a remedy', () => {
    expect(allChecks.length).toBeGreaterThanOrEqual(80)
    expect(new Set(allChecks.map(({ id }) => id)).size).toBe(allChecks.length)
    const malformed = allChecks.filter(
      ({ id, title, why, mend, sends }) =>
        !/^[a-z]+\.[a-z0-9-]+$/.test(id) || [title, why, mend, sends].includes(''),
    )
    expect(malformed.map(({ id }) => id)).toEqual([])
  })
})
