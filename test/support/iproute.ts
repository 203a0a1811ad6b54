// What the programs of iproute2 show of the kernel: the second opinion on what conet has done.
import { execFileSync } from 'node:child_process'
import type { NamespaceHandle } from '@conet/sdk/linux'

export type Shown = Record<string, unknown>

/** Runs `ip -d link show …`, `bridge …` or `tc …` with JSON output, in a namespace if one is given. */
export function show(command: string, namespace?: NamespaceHandle): Shown[] {
  const [program = '', ...words] = command.split(' ')
  const run = () => execFileSync(program, ['-j', ...words], { encoding: 'utf8', stdio: 'pipe' })
  const output = namespace === undefined ? run() : namespace.run(run)
  return output.trim() === '' ? [] : JSON.parse(output)
}

/** The first that a command shows. */
export function showOne(command: string, namespace?: NamespaceHandle): Shown {
  const [first] = show(command, namespace)
  if (first === undefined) throw new Error(`${command} shows nothing`)
  return first
}

/** Everything of the namespace that a test could leave behind; compare before and after. */
export function inventory(namespace?: NamespaceHandle): Record<string, unknown> {
  return {
    links: show('ip link show', namespace).map(({ ifname }) => ifname),
    addresses: show('ip address show', namespace).flatMap(({ addr_info: addresses }) => addresses),
    routes4: show('ip -4 route show table all', namespace),
    routes6: show('ip -6 route show table all', namespace),
    rules4: show('ip -4 rule show', namespace),
    rules6: show('ip -6 rule show', namespace),
    neighbours: show('ip neighbour show nud all', namespace),
  }
}
