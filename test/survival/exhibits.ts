// The drivers of the zoo as a host meets them.
import { mutations } from '../zoo/mutations/index.ts'
import { hostMutations } from '../zoo/mutations/towards-hosts.ts'

export type Exhibit = {
  /** As a driver is named. */
  readonly name: string
  readonly mutation: string
  readonly hostLogs: RegExp | undefined
  /** It takes the host more than a moment to tell. */
  readonly isSlow: boolean
}

/** All but those whose place in the file system is what is wrong with them. */
export const exhibits: readonly Exhibit[] = [
  ...mutations.filter(({ where }) => where !== 'deep directory').map((one) => exhibit(one, false)),
  ...hostMutations.map((one) => exhibit(one, one.isSlow === true)),
]

function exhibit({ name, hostLogs }: { name: string; hostLogs?: RegExp }, isSlow: boolean): Exhibit {
  const hyphenated = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return { name: hyphenated, mutation: name, hostLogs, isSlow }
}

export function inBatchesOf(size: number, all: readonly Exhibit[]): Exhibit[][] {
  const count = Math.ceil(all.length / size)
  return Array.from({ length: count }, (_, index) => all.slice(index * size, (index + 1) * size))
}
