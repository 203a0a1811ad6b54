import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { transitions } from '@conet/host/drivers/session-state'
import { describe, expect, it } from 'vitest'
import { repository } from '../../../support/repository.ts'

const page = (name: string) => readFileSync(join(repository, 'docs', name), 'utf8')

/** `ready --missed--> degraded`; a step that changes nothing is not drawn, and `removed` is said in words. */
const steps = Object.entries(transitions).flatMap(([from, to]) =>
  Object.entries(to)
    .filter(([step, next]) => step !== 'removed' && next !== from)
    .map(([step, next]) => `${from} --${step}--> ${next}`),
)

describe('the states of a driver session', () => {
  it('are drawn in docs/architecture.md step by step as the code takes them', () => {
    const drawing = /```mermaid\n(.*?)```/s.exec(page('architecture.md'))?.[1] ?? ''
    const drawn = [...drawing.matchAll(/^ +(\w+) --> (\w+): (\w+)$/gm)].map(
      ([, from, to, step]) => `${from} --${step}--> ${to}`,
    )
    expect(drawn.sort()).toEqual(steps.sort())
    // Nothing stands there that was not read.
    expect(drawing.trim().split('\n')).toHaveLength(drawn.length + 2)
  })

  it('are explained to operators, every one', () => {
    const explained = [...page('operating.md').matchAll(/^\| `([a-z]+)` +\|/gm)].map(([, state]) => state)
    expect(explained.sort()).toEqual(Object.keys(transitions).sort())
  })
})
