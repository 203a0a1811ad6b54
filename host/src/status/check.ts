// A check: facts in, findings out. None touches anything.
import type { Finding } from '@conet/sdk/api'
import type { StatusFacts } from './facts.ts'

export type Check = (facts: StatusFacts) => Finding[]

const mostNamed = 5

/** `1 network`, `2 networks` */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`
}

/** `a, b, c and 7 more` */
export function some(names: readonly string[]): string {
  const named = names.slice(0, mostNamed).join(', ')
  return names.length > mostNamed ? `${named} and ${names.length - mostNamed} more` : named
}
