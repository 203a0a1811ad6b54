import { giversFirst } from '@conet/host/ports/index'
import fc from 'fast-check'
import { expect, it } from 'vitest'

type Step = { readonly name: string; readonly held: number[]; readonly wanted: number[] }

const mappingsOf = (ports: readonly number[]) =>
  ports.map((hostPort) => ({ protocol: 'tcp', hostPort, containerPort: 80 }) as const)

const movesOf = (steps: readonly Step[]) =>
  giversFirst(steps, ({ held, wanted }) => ({
    held: mappingsOf(held),
    staying: mappingsOf(held.filter((port) => wanted.includes(port))),
    wishes: mappingsOf(wanted).map((wish) => ({ ...wish, count: 1 })),
  }))

const namesOf = (steps: readonly Step[]) =>
  movesOf(steps).map(({ step, isRelease }) => `${step.name}${isRelease ? ' gives' : ''}`)

it('steps stay in order, who takes waits for who gives, and one of a circle gives first', () => {
  const a = { name: 'a', held: [1], wanted: [2] }
  const b = { name: 'b', held: [2], wanted: [3] }
  expect(namesOf([a, { name: 'b', held: [], wanted: [9] }])).toEqual(['a', 'b'])
  expect(namesOf([a, b])).toEqual(['b', 'a'])
  expect(namesOf([a, b, { name: 'c', held: [3], wanted: [1] }])).toEqual(['a gives', 'c', 'b', 'a'])
  // Nobody can: it is for the pool to refuse.
  expect(
    namesOf([
      { ...a, wanted: [1, 2] },
      { ...b, wanted: [1, 2] },
    ]),
  ).toEqual(['a', 'b'])
})

it('whatever ports change hands, none is ever taken before it was given up', () => {
  const owners = fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 8 })
  const check = fc.property(owners, (ports) => {
    const steps = [0, 1, 2, 3, 4].map((at) => ({
      name: String(at),
      held: ports.flatMap(([before], port) => (before === at ? [port + 1] : [])),
      wanted: ports.flatMap(([, after], port) => (after === at ? [port + 1] : [])),
    }))
    const holders = new Map(steps.flatMap(({ name, held }) => held.map((port) => [port, name] as const)))
    for (const { step, isRelease } of movesOf(steps)) {
      const next = isRelease ? step.held.filter((port) => step.wanted.includes(port)) : step.wanted
      for (const port of next) expect(holders.get(port) ?? step.name).toBe(step.name)
      for (const [port, holder] of holders) if (holder === step.name) holders.delete(port)
      for (const port of next) holders.set(port, step.name)
    }
    expect(steps.map(({ name }) => [...holders].filter(([, one]) => one === name).length)).toEqual(
      steps.map(({ wanted }) => wanted.length),
    )
  })
  fc.assert(check)
})
